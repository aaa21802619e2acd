"""The study of cookies in small: Chromium does what the rules say, and no difference is missed."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest

from studies.cookies.histories import History, Page, history
from studies.cookies.judge import Received, context_of, differences
from studies.cookies.run import main
from support.browser import needs_chromium
from support.jars import SECOND, Jar

NOW_US = 1_800_000_000 * SECOND
SHOP = Page("https", "www.shop.example")


@pytest.mark.browser
@needs_chromium
def test_chromium_keeps_and_sends_what_the_rules_say() -> None:
    """All cases and forty histories."""
    assert main(["--histories", "40"]) == 0


def a_history() -> History:
    """One that sets a cookie, asks its own host, and then another site's."""
    drawn = history(1, 1, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)).steps[0]
    first = replace(drawn, way="fetch", target=SHOP, path="/desk", method="GET", pause_s=0.0)
    elsewhere = replace(first, target=Page("https", "www.other.co.uk"), fields=())
    return History(
        1, SHOP, (replace(first, fields=("id=v7",)), replace(first, fields=()), elsewhere)
    )


def obedient(one: History) -> list[Received | None]:
    """What the servers receive of a browser that follows the rules."""
    jar, received = Jar(), []
    for number, step in enumerate(one.steps):
        request, _ = context_of(one.start, step, third_parties=True)
        now_us = NOW_US + number * SECOND
        fields = {
            "sec-fetch-site": request.fetch_site or "",
            "sec-fetch-mode": request.fetch_mode or "",
            "sec-fetch-dest": request.fetch_dest or "",
        }
        if request.storage_access:
            fields["sec-fetch-storage-access"] = request.storage_access
        if sent := jar.header(request, now_us=now_us):
            fields["cookie"] = sent
        received.append(Received(now_us, now_us, now_us, fields, None))
        jar.receive(request, list(step.fields), now_us=now_us, date_us=None)
    return received


KEPT = {
    "name": "id",
    "value": "v7",
    "domain": "www.shop.example",
    "path": "/",
    "secure": False,
    "httpOnly": False,
    "session": True,
    "expires": -1,
}


@pytest.mark.parametrize(
    ("step", "field", "value", "lines"),
    [
        (0, "cookie", "", []),
        (1, "cookie", "", ["sent ''", "'v7' would be blamed"]),
        (1, "cookie", "id=v7; id=v7", ["sent 'id=v7; id=v7'"]),
        (2, "cookie", "id=v7", ["sent 'id=v7'", "'v7' would be blamed"]),
        (1, "sec-fetch-site", "same-site", ["Fetch Metadata differ"]),
    ],
)
def test_the_judge_finds_what_is_planted(
    step: int, field: str, value: str, lines: list[str]
) -> None:
    """A cookie that is left out, doubled or carried away, and a context that is another."""
    one = a_history()
    received = obedient(one)
    came = received[step]
    assert came is not None
    received[step] = came._replace(fields={**came.fields, field: value})
    found = differences(one, received, [KEPT], third_parties=True, counts=Counter())
    assert all(part in line for line, part in zip(found, lines, strict=True))


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        ([], "not in the browser's jar"),
        ([KEPT, {**KEPT, "path": "/till"}], "only in the browser's jar"),
        ([{**KEPT, "session": False, "expires": 1.0}], "ends at"),
    ],
)
def test_the_judge_sees_the_jar(kept: list[dict[str, object]], line: str) -> None:
    """What is not kept, what is kept besides, and for how long."""
    one = a_history()
    found = differences(one, obedient(one), kept, third_parties=True, counts=Counter())
    assert [line in text for text in found] == [True]
