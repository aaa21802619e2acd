"""The published table of races: every judge gives its verdicts, and the page shows it."""

import re
from random import Random

import pytest

from statetrail.analyses.conformance.race_table import GRACE_MS, RACES, Race, markdown, rows
from statetrail.analyses.conformance.verdict import VERDICTS
from studies.oracle.judges import IN_PROCESS, apart, by_engine, by_slow_judge, by_tracker, short
from support.histories import Ex, token, use

RACE = pytest.mark.parametrize("race", RACES, ids=[race.title for race in RACES])


def exchanges(race: Race) -> list[Ex]:
    """The race as a history."""
    return [
        Ex(
            step.start,
            step.response_start,
            step.response_end,
            [] if step.issues is None else [token(step.issues)],
            [] if step.presents is None else [use(step.presents)],
            path="/API/V3/Cart",
        )
        for step in race.steps
    ]


def of_last(found: set[tuple], race: Race) -> set[str]:
    """The verdicts on the last request."""
    return {verdict for n, _, _, verdict, *_ in found if n == len(race.steps)}


@pytest.mark.parametrize("engine", IN_PROCESS)
def test_the_frames_give_the_published_verdicts(engine):
    """All histories in one recording, each at an origin of its own."""
    histories = [exchanges(race) for race in RACES]
    found = {n: v for n, _, _, v, *_ in short(by_engine(apart(histories), engine, GRACE_MS))}
    last, expected = 0, {}
    for race in RACES:
        last += len(race.steps)
        expected[race.title] = (last, race.verdict)
    assert {title: (n, found[n]) for title, (n, _) in expected.items()} == expected


@RACE
def test_the_tracker_gives_the_published_verdict(race):
    """Whatever the order of completion."""
    for seed in range(4):
        found = by_tracker([exchanges(race)], GRACE_MS, Random(seed))
        assert of_last(short(found), race) == {race.verdict}


@RACE
def test_the_slow_judge_gives_the_published_verdict(race):
    """The oracle is held to the published table as well."""
    assert of_last(by_slow_judge([exchanges(race)], GRACE_MS), race) == {race.verdict}


def test_the_page_shows_every_history_with_its_verdict_and_reason():
    """One section a history, titles that can be linked to, and only verdicts that there are."""
    page = markdown()
    assert re.findall(r"^## (.*)$", page, re.M) == [race.title for race in RACES]
    assert len({race.title for race in RACES}) == len(RACES)
    assert {row["verdict"] for row in rows()} <= set(VERDICTS)
    assert all(row["reason"] in page and row["seen"] in page for row in rows())
    assert " 1000  _session_token=A   response 1010, cut short  session=B" in page
