"""Compliance by time, endpoint and version; timelines; what became of each rule; environment."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from rules.histories import LANG, shop, zest
from statetrail.analyses.breakdowns.by_endpoint import verdicts_by_endpoint
from statetrail.analyses.breakdowns.compliance import MAX_PERIODS, width
from statetrail.report.audit import audit
from statetrail.report.document import Document
from statetrail.report.render.html import render_html
from statetrail.report.rule_pages import rule_page
from statetrail.report.sections.appendix.checks import ChecksSection
from statetrail.report.sections.appendix.timelines import SessionRequest, drawing
from statetrail.rules import RULES
from statetrail.rules.suppression import Entry
from statetrail.schema import pseudonym
from support.audits import CREATED
from support.histories import Ex, fingerprint, recording

MINUTE = 60_000
TOKEN_LOST = [
    zest(0, "T1", "1"),
    zest(1000, "T1", "T1"),
    zest(30 * MINUTE, "T2", "T1"),
    zest(31 * MINUTE, "T2", "T1"),
    zest(32 * MINUTE, "T2", "T1"),
]
"""A client that keeps its token after a reset: two of four verdicts are faults."""


def told(*history: Ex, **options: object) -> Document:
    """The document of an audit of that history."""
    return audit(recording(history), created=CREATED, **options).document  # type: ignore[arg-type]


def test_faults_are_counted_in_the_period_of_their_request() -> None:
    """Every period of the recording is listed, those without requests too."""
    document = told(*TOKEN_LOST)
    assert document.period_s == 120
    found = {
        int((one.start - document.periods[0].start).total_seconds()): (one.judged, one.faults)
        for one in document.periods
        if one.judged
    }
    assert found == {0: (1, 0), 1800: (2, 1), 1920: (1, 1)}
    assert len(document.periods) == 17


@pytest.mark.parametrize("span_s", [0, 1, 22, 23, 24, 86_399, 86_400, 10**7, 10**9, 10**11])
def test_no_span_has_more_periods_than_a_page_can_show(span_s: int) -> None:
    """Wherever it begins: a period begins at a multiple of its length."""
    length = width(span_s)
    assert max((start + span_s) // length - start // length for start in range(length)[:50]) < (
        MAX_PERIODS
    )


def test_endpoints_and_versions_have_all_verdicts_on_every_engine() -> None:
    """The endpoints as the table `verdicts_by_endpoint` has them; the versions by product."""
    agents = ("till/1.0", "till/1.1", "Mozilla/5.0 (X11) Gecko/20100101 Firefox/128.0")
    history = [
        each
        for at, agent in enumerate(agents)
        for each in (
            replace(shop(at * 100_000, [LANG]), client=agent),
            replace(shop(at * 100_000 + 1000, path=f"/services/v3/{at % 2}"), client=agent),
        )
    ]
    made = recording(history, engine="pyarrow")
    document = audit(made, created=CREATED).document
    assert [(one.product, one.version, one.judged, one.faults) for one in document.versions] == [
        ("Firefox", "128.0", 1, 1), ("till", "1.0", 1, 1), ("till", "1.1", 1, 1),
    ]  # fmt: skip
    by_endpoint = Counter[tuple[str, str]]()
    for row in verdicts_by_endpoint(made).rows():
        by_endpoint[row["origin"], row["endpoint"]] += row["judged"]
    assert {(one.origin, one.endpoint): one.judged for one in document.endpoints} == by_endpoint
    assert [one.faults for one in document.endpoints] == [2, 1]
    assert audit(recording(history, engine="duckdb"), created=CREATED).document == document


def test_the_session_with_most_faults_is_drawn_first_with_its_requests() -> None:
    """Each request has the verdict that says most; the idle time is that before it."""
    document = told(
        *TOKEN_LOST, zest(0, "B1", "1", client="bot"), zest(9, "B1", "B1", client="bot")
    )
    first, second = document.timelines
    assert (first.client, first.session, first.faults) == ("app", pseudonym(fingerprint("T1")), 2)
    assert [(one.verdict, one.fault) for one in first.requests] == [
        ("honoured", False), ("honoured", False), ("stale", True), ("stale", True),
    ]  # fmt: skip
    assert first.idle_s == (None, 1799.0, 60.0, 60.0)
    assert (second.client, second.faults) == ("bot", 0)


def test_a_picture_has_words_only_where_there_is_room() -> None:
    """Requests at one moment do not divide by nothing; a long idle time has its length."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def made(seconds: float, *, fault: bool = False) -> SessionRequest:
        return SessionRequest(
            exchange=1, at=start + timedelta(seconds=seconds), method="GET", endpoint="/",
            status=200, param="p", verdict="stale" if fault else "honoured", fault=fault,
        )  # fmt: skip

    drawn = drawing([made(0), made(1), made(900, fault=True), made(1000)])
    assert [one.says for one in drawn.idle] == ["14 min 59 s", "1 min 40 s"]
    assert [one.narrow for one in drawn.idle] == [False, True]
    assert [one.kind for one in drawn.ticks] == ["honoured", "honoured", "fault", "honoured"]
    assert [one.x for one in drawn.ticks][::3] == [1.0, 99.0]
    assert {one.x for one in drawing([made(0), made(0)]).ticks} == {1.0}


def test_each_rule_found_passed_or_had_nothing_to_look_at() -> None:
    """A rule whose findings are all suppressed has not passed."""
    rules = {one.rule: one for one in told(*TOKEN_LOST).rules}
    assert rules.keys() == {one.id for one in RULES}
    kept = rules["token-kept-after-reset"]
    assert (kept.result, kept.count, kept.of) == ("found", 2, 4)
    assert (rules["token-leaked"].result, rules["state-omitted"].result) == (
        "not applicable", "not applicable",
    )  # fmt: skip
    assert (rules["sessions-mixed"].result, rules["sessions-mixed"].of) == ("passed", 4)
    accepted = [
        Entry(rule=one.rule, reason="known", until=date(2030, 1, 1)) for one in rules.values()
    ]
    suppressed = told(*TOKEN_LOST, suppressions=accepted)
    results = Counter(one.result for one in suppressed.rules)
    assert results["found"] == 0
    assert results["suppressed"] == Counter(one.result for one in rules.values())["found"]
    assert ChecksSection.by_result(suppressed.rules)["suppressed"][0].severity == "high"


def test_the_matrix_counts_every_finding() -> None:
    """By severity and confidence, most severe and surest first."""
    findings = told(*TOKEN_LOST).findings
    confidences, rows = ChecksSection.matrix(findings)
    assert confidences == ("high", "medium", "low")
    assert [severity for severity, _, _ in rows] == ["high", "medium", "low", "info"]
    assert sum(all_ for _, _, all_ in rows) == len(findings) > 0
    counts = {severity: numbers for severity, numbers, _ in rows}
    assert counts["high"][0] == sum(
        (one.severity, one.confidence) == ("high", "high") for one in findings
    )


def test_every_rule_has_a_page_with_the_traffic_of_both_sides() -> None:
    """An explanation, and a conversation before and after; a name of no rule has none."""
    for one in RULES:
        kinds = [block.kind for block in rule_page(one.id)]
        assert kinds[0] == "text"
        assert kinds.count("traffic") == 2
        assert not any("](" in block.text for block in rule_page(one.id))
    assert rule_page("../../../README") == rule_page("no-such-rule") == ()


def test_the_environment_names_the_dialects_that_were_found() -> None:
    """And those that were looked for; an audit.json without it is still read."""
    document = told(*TOKEN_LOST, shop(0, [LANG]))
    made = document.environment
    assert made is not None
    assert {one.name: one.exchanges for one in made.spoken} == {"zest": 5, "52eseller": 1}
    assert {*made.silent, "zest", "52eseller"} == set(document.settings.dialects)
    assert made.limits.idle_max == "1 h"
    old = msgspec.structs.replace(document, environment=None, timelines=(), periods=())
    assert '<section id="environment">' in render_html(old)
    assert '<section id="breakdown">' not in render_html(old)
