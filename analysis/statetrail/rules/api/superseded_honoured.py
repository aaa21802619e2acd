"""A server goes on to accept a token that it has replaced."""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.events.values import SERIES, issues
from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.tokens.rotations import rotations
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe

_VALUE: Final = (*SERIES, "fingerprint")


def _measure(rec: Recording, profile: Profile) -> Lazy:
    replaced = (
        rotations(rec)
        .lazy.filter(~nw.col("from_fingerprint").is_null())
        .group_by(*SERIES, "from_fingerprint")
        .agg(replaced_us=nw.col("issued_at_us").min())
        .rename({"from_fingerprint": "fingerprint"})
    )
    back = issues(rec).select(
        "exchange_id", "dialect", "param", "fingerprint", same=nw.lit(1, nw.Int64)
    )
    late = (
        verdicts(rec)
        .lazy.filter(nw.col("verdict") == "stale")
        .join(credentials(rec), on=["dialect", "param"])
        .join(replaced, on=list(_VALUE))
        .join(back.unique(), on=["exchange_id", "dialect", "param", "fingerprint"], how="left")
        .join(rec.exchanges.lazy.select("exchange_id", "status"), on="exchange_id")
    )
    status = nw.col("status").fill_null(0)
    # A token that the server mints is answered with itself where it lives; other credentials are
    # accepted in silence.
    silent = of_params(rec, lambda param: not param.minted)
    accepted = ~nw.col("same").is_null() | (silent & (status >= 200) & (status < 300))
    long_after = nw.col("request_start_us") - nw.col("replaced_us") > round(
        profile.overlap_s * 1_000_000
    )
    return cases(late, accepted & long_after, detail=nw.lit(REQUEST), per_client=False)


RULE: Final = Rule(
    id="superseded-honoured",
    title="Replaced token still accepted",
    severity="medium",
    # A server may ignore what it does not need.
    confidence="medium",
    audience="security",
    observed="{count} of {of} late uses of a replaced {param} were accepted more than {overlap} "
    "after its replacement",
    expected="an old {param} works for a short while, since requests are under way, and then no "
    "more; an overlap within the renewal period is normal where tokens are renewed by the"
    " clock",
    remedy="End a token when its successor has been used, or a minute after it was replaced. A "
    "stolen token that outlives its renewal makes the renewal useless.",
    references=(
        asvs("7.2.4"),
        asvs("7.4.1"),
        cwe(613),
    ),
    measure=_measure,
)
