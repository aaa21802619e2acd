"""The cases of the public suites, through a jar that is kept by the rules."""

import datetime as dt

import pytest

from statetrail.dialects.cookies import dates
from statetrail.dialects.cookies.request import Request
from statetrail.dialects.cookies.scope import canonical_host
from support.cookie_cases import CASES, DATES, ISSUE_PATH, ISSUER, Case
from support.jars import Jar

NOW_US = 1_800_000_000_000_000


def same_site(host: str, path: str, *, secure: bool) -> Request:
    """A request that its own site makes."""
    return Request(host=canonical_host(host), path=path, secure=secure, fetch_site="same-origin")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_was_received_is_sent(case: Case) -> None:
    """And what was refused is not."""
    jar = Jar()
    issued = same_site(ISSUER, ISSUE_PATH, secure=case.secure)
    jar.receive(issued, list(case.received), now_us=NOW_US, date_us=NOW_US)
    request = same_site(case.host, case.path, secure=case.secure)
    assert jar.header(request, now_us=NOW_US + 1) == case.sent


@pytest.mark.parametrize(("date", "meaning"), DATES.items())
def test_a_date_is_read_as_user_agents_do(date: str, meaning: str | None) -> None:
    """Or not at all."""
    at_us = dates.parse(date)
    if meaning is None:
        assert at_us is None
    else:
        at = dt.datetime.fromisoformat(meaning).replace(tzinfo=dt.UTC)
        assert at_us == round(at.timestamp()) * 1_000_000
