"""Tokens were in use before the recording began."""

from typing import Final

import narwhals as nw

from statetrail.analyses.events.values import SERIES, presentations
from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.rule import Rule
from statetrail.rules.sources import method

_VALUE: Final = (*SERIES, "fingerprint")


def _check(rec: Recording) -> Lazy:
    secret = credentials(rec)
    first = (
        presentations(rec)
        .join(secret, on=["dialect", "param"])
        .group_by(*_VALUE)
        .agg(exchange_id=nw.col("exchange_id").min(), request_start_us=nw.col("asked_us").min())
    )
    seen = (
        tokens(rec)
        .lazy.join(secret, on=["dialect", "param"])
        .select(*_VALUE, "left_truncated")
        .join(first, on=list(_VALUE))
    )
    return cases(seen, nw.col("left_truncated"), per_client=False)


RULE: Final = Rule(
    id="left-truncated",
    title="Sessions begun before the recording",
    severity="info",
    confidence="high",
    audience="capture",
    observed="{count} of {of} values of {param} were in use before they were seen to be issued",
    expected="a recording that begins before the sessions that it tells of: else their age is "
    "known from below alone",
    remedy="Begin to record before the clients start, or leave the first hour out of what you "
    "conclude about ages. Idle times are not concerned.",
    references=(method("birth seen"),),
    check=_check,
)
