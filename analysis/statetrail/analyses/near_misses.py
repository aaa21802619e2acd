"""Near misses: presented values that were issued, but otherwise written, cut short, or elsewhere.

Enters: a recording and the requests in question. Leaves: which of them present a near miss. No
clear value is needed: the capture has taken fingerprints of a normal form and of a prefix.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.values import SERIES, issues
from statetrail.frames import Lazy, Recording

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
    issued = issues(rec).join(
        rec.issued.lazy.filter(nw.col("problem").is_null())
        .group_by(*_FAULT, "fingerprint")
        .agg(normal=nw.col("normal_fingerprint").min(), prefix=nw.col("prefix_fingerprint").min()),
        on=[*_FAULT, "fingerprint"],
    )
    shown = (
        rec.presented.lazy.filter(nw.col("kind") == "value")
        .group_by(*_FAULT, "fingerprint")
        .agg(normal=nw.col("normal_fingerprint").min(), prefix=nw.col("prefix_fingerprint").min())
        # A value of just the prefix's length is the prefix.
        .with_columns(prefix=nw.coalesce("prefix", "fingerprint"))
    )
    variants = issued.group_by(*series, "normal").agg(variant_us=nw.col("begun_us").min())
    # Tokens of one kind may all begin alike: then their beginning tells nothing.
    beginnings = (
        issued.filter(~nw.col("prefix").is_null())
        .group_by(*series, "prefix")
        .agg(
            cut_us=nw.col("begun_us").min(),
            least=nw.col("fingerprint").min(),
            most=nw.col("fingerprint").max(),
        )
        .filter(nw.col("least") == nw.col("most"))
        .select(*series, "prefix", "cut_us")
    )
    elsewhere = (
        issued.group_by("client", "dialect", "param", "fingerprint", "origin")
        .agg(elsewhere_us=nw.col("begun_us").min())
        .rename({"origin": "other"})
    )
    asked = faults.filter(~nw.col("fingerprint").is_null()).select(
        *series, "exchange_id", "fingerprint", "at_us"
    )
    foreign = (
        asked.join(elsewhere, on=["client", "dialect", "param", "fingerprint"])
        .filter((nw.col("other") != nw.col("origin")) & (nw.col("elsewhere_us") <= nw.col("at_us")))
        .select(*_FAULT, elsewhere=nw.col("exchange_id") * 0 + 1)
        .unique()
    )
    one = nw.col("exchange_id") * 0 + 1
    return (
        asked.join(shown, on=[*_FAULT, "fingerprint"])
        .join(variants, on=[*series, "normal"], how="left")
        .join(beginnings, on=[*series, "prefix"], how="left")
        .join(foreign, on=list(_FAULT), how="left")
        .select(
            *_FAULT,
            "elsewhere",
            variant=nw.when(nw.col("variant_us") <= nw.col("at_us")).then(one),
            cut=nw.when(nw.col("cut_us") <= nw.col("at_us")).then(one),
        )
    )
