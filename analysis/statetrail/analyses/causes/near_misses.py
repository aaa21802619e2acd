"""Near misses: presented values that were issued, but otherwise written, cut short, or elsewhere.

Enters: a recording and the requests in question. Leaves: which of them present a near miss. No
clear value is needed: the capture has taken fingerprints of a normal form and of a prefix.

A value of a malformed header counts too: a client may take what it binds nobody to.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES, issues, malformed
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_FAULT: Final = ("exchange_id", "dialect", "param")


def near_misses(rec: Recording, faults: Lazy) -> Lazy:
    """What the presented values are near to.

    Parameters
    ----------
    faults
        Rows of table `verdicts`. Their value must not have been issued before: it would be near
        to itself.

    Returns
    -------
    Lazy
        Columns ``exchange_id``, ``dialect``, ``param`` and three flags, each 1 or null: ``variant``
        (issued in another writing), ``cut`` (the beginning is that of exactly one issued value),
        ``elsewhere`` (issued to the client at another origin). Only values presented by then count.
    """
    series = list(SERIES)
    issued = _issued(rec)
    shown = (
        rec.presented.lazy.filter(nw.col("kind") == "value")
        .group_by(*_FAULT, "fingerprint")
        .agg(normal=nw.col("normal_fingerprint").min(), prefix=nw.col("prefix_fingerprint").min())
        # A value of just the prefix's length is the prefix.
        .with_columns(prefix=nw.coalesce("prefix", "fingerprint"))
    )
    variants = issued.group_by(*series, "normal").agg(variant_us=nw.col("begun_us").min())
    elsewhere = (
        issued.group_by("client", "dialect", "param", "fingerprint", "origin")
        .agg(elsewhere_us=nw.col("begun_us").min())
        .rename({"origin": "other"})
    )
    asked = faults.filter(~nw.col("fingerprint").is_null()).select(
        *series, "exchange_id", "fingerprint", "request_start_us"
    )
    foreign = (
        asked.join(elsewhere, on=["client", "dialect", "param", "fingerprint"])
        .filter(
            (nw.col("other") != nw.col("origin"))
            & (nw.col("elsewhere_us") <= nw.col("request_start_us"))
        )
        .select(*_FAULT, elsewhere=nw.col("exchange_id") * 0 + 1)
        .unique()
    )
    one = nw.col("exchange_id") * 0 + 1
    return (
        asked.join(shown, on=[*_FAULT, "fingerprint"])
        .join(variants, on=[*series, "normal"], how="left")
        .join(_beginnings(issued), on=[*series, "prefix"], how="left")
        .join(foreign, on=list(_FAULT), how="left")
        .select(
            *_FAULT,
            "elsewhere",
            variant=nw.when(nw.col("variant_us") <= nw.col("request_start_us")).then(one),
            cut=nw.when(nw.col("cut_us") <= nw.col("request_start_us")).then(one),
        )
    )


def _issued(rec: Recording) -> Lazy:
    """All values issued, with ``normal``, ``prefix``, ``begun_us`` and ``sound`` (0: malformed)."""
    columns = (*SERIES, "exchange_id", "fingerprint", "begun_us")
    one, none = nw.lit(1, nw.Int64), nw.lit(0, nw.Int64)
    forms = rec.issued.lazy.group_by(*_FAULT, "fingerprint").agg(
        normal=nw.col("normal_fingerprint").min(), prefix=nw.col("prefix_fingerprint").min()
    )
    sent = [
        issues(rec).select(*columns, sound=one),
        malformed(rec).select(*columns, sound=none),
    ]
    return rec.keep(nw.concat(sent, how="vertical").join(forms, on=[*_FAULT, "fingerprint"]))


def _beginnings(issued: Lazy) -> Lazy:
    """The beginnings of exactly one value: `SERIES`, ``prefix``, ``cut_us`` (when first issued).

    Tokens of one kind may all begin alike: then their beginning tells nothing. A malformed value
    is asked only where no other begins so: it may be another one with its broken tail.
    """
    value = nw.col("fingerprint")
    by = [*SERIES, "prefix"]
    values = (
        issued.filter(~nw.col("prefix").is_null())
        .group_by(*by, "fingerprint")
        .agg(cut_us=nw.col("begun_us").min(), sound=nw.col("sound").max())
        .with_columns(best=nw.col("sound").max().over(*by))
    )
    return (
        values.filter(nw.col("sound") == nw.col("best"))
        .group_by(*by)
        .agg(nw.col("cut_us").min(), least=value.min(), most=value.max())
        .filter(nw.col("least") == nw.col("most"))
        .select(*by, "cut_us")
    )
