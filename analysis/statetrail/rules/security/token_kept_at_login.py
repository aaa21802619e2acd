"""A server keeps the token of before a login: whoever knew it is logged in too."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.actions import deeds
from statetrail.analyses.events.values import issues, presentations
from statetrail.analyses.exposure.shared import credentials
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import REQUEST, cases, of_params
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe, zest

_SIGHTING: Final = ("exchange_id", "dialect", "param")


def _check(rec: Recording) -> Lazy:
    one = nw.lit(1, nw.Int64)
    logins = deeds(rec).filter(nw.col("login")).select("exchange_id", "dialect")
    answers = issues(rec).select(*_SIGHTING, "fingerprint")
    any_answer = answers.select(*_SIGHTING).unique().with_columns(answered=one)
    told = (
        presentations(rec)
        .join(credentials(rec), on=["dialect", "param"])
        .join(logins, on=["exchange_id", "dialect"])
        .join(any_answer, on=list(_SIGHTING), how="left")
        .join(answers.unique().with_columns(same=one), on=[*_SIGHTING, "fingerprint"], how="left")
        .with_columns(request_start_us=nw.col("asked_us"))
    )
    # Of a token that the server mints, silence says nothing.
    silent = of_params(rec, lambda param: not param.minted)
    kept = ~nw.col("same").is_null() | (silent & nw.col("answered").is_null())
    return cases(told, kept, detail=nw.lit(REQUEST), per_client=False)


RULE: Final = Rule(
    id="token-kept-at-login",
    title="Token not renewed at login",
    severity="high",
    # The login may have failed with a status of success.
    confidence="medium",
    audience="security",
    observed="{count} of {of} logins that presented a {param} were answered with the same one, or "
    "with none",
    expected="a login issues a new {param} and ends the old one, so that nobody who planted or saw"
    " the old one is logged in as well",
    remedy="Issue a new token in the response to a login, carry the cart over to it, and refuse "
    "the old one from then on.",
    references=(
        asvs("7.2.4"),
        cwe(384),
        zest("Z7"),
    ),
    check=_check,
)
