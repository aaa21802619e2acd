"""A server, or a cache in front of it, gave one token to several clients."""

from typing import Final

import narwhals as nw

from statetrail.analyses.exposure.shared import shared
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe, zest

_VALUE: Final = ("origin", "dialect", "param", "fingerprint")


def _check(rec: Recording) -> Lazy:
    among = shared(rec).lazy.with_columns(
        exchange_id=nw.col("first_id"), observed_us=nw.col("first_us")
    )
    handed = (
        among.filter(nw.col("how") == "handed")
        .group_by(*_VALUE)
        .agg(handed=nw.col("client").count())
    )
    told = among.join(handed, on=list(_VALUE), how="left")
    twice = (nw.col("how") == "handed") & (nw.col("handed").fill_null(0) > 1)
    return cases(told, twice, detail=nw.lit(REQUEST), per_client=False, at="observed_us")


RULE: Final = Rule(
    id="token-handed-twice",
    title="One token handed to several clients",
    severity="high",
    # Clients are told apart by what the capture knows of them; one may change its address.
    confidence="medium",
    audience="api",
    observed="{count} of {of} clients that share a {param} with others were given it by the server"
    " itself",
    expected="each client gets a {param} of its own",
    remedy="Find out whether a cache stores the responses that issue it (see state-cacheable), "
    "or whether the generator repeats itself. If the clients are one program at several "
    "addresses, tell clients apart by user agent alone.",
    references=(
        cwe(488),
        asvs("7.2.3"),
        zest("Z3"),
    ),
    check=_check,
)
