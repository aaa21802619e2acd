"""The summary: overall compliance, its spread, and what would help most."""

import pytest
from lxml import html

from statetrail.report.audit import audit
from statetrail.report.document import Document
from statetrail.report.render.html import render_html
from statetrail.report.render.markdown import render_markdown
from statetrail.report.sections.summary import Overall
from support.audits import CREATED
from support.histories import Ex, Issue, Present, recording

LANG, LOC = Issue("LangId", "1"), Issue("LocId", "7")
SHOWN = Present("LangId", "1")


def client(name: str, *shown: bool) -> list[Ex]:
    """One that is issued a language, and whether each later request presents it."""
    later = [Ex(n, n + 1, n + 2, [], [SHOWN] if s else [], name) for n, s in enumerate(shown, 1)]
    moved = [Ex(ex.start * 1000, 0, 0, [], ex.presented, name) for ex in later]
    return [
        Ex(0, 10, 20, [LANG], client=name),
        *(Ex(ex.start, ex.start + 10, ex.start + 20, [], ex.presented, name) for ex in moved),
    ]


def audited(*clients: list[Ex]) -> Document:
    """The document of their traffic."""
    return audit(recording([ex for one in clients for ex in one]), created=CREATED).document


def crowd(faulty: int, of: int = 60, requests: int = 50) -> list[list[Ex]]:
    """Clients of which each of the first so many leaves out one value."""
    return [client(f"app/{n}", *([True] * (requests - 1)), n >= faulty) for n in range(of)]


def test_no_figure_is_red_where_each_client_ignored_state_once() -> None:
    """60 of 60 clients with a fault, 98 % honoured: the colour follows the share of faults."""
    made = audited(*crowd(60))
    assert made.overall is not None
    assert (made.overall.honoured, made.overall.judged) == (2940, 3000)
    assert made.overall.compliance == pytest.approx(0.98)
    assert (made.overall.clients, made.overall.at_fault) == (60, 60)
    page = html.document_fromstring(render_html(made))
    figures = page.xpath("//*[contains(@class, 'figure')]")
    assert next(one.text_content() for one in figures) == "98 %"
    assert {"bad", "fair"}.isdisjoint({name for one in figures for name in one.classes})
    assert "2,940 of 3,000 verdicts honoured" in page.text_content()
    assert "98 %** (2,940 of 3,000 verdicts)" in render_markdown(made)


@pytest.mark.parametrize(
    ("shown", "tone"),
    [
        ((True, True, True, True), "good"),
        ((True,) * 19 + (False,), "neutral"),
        ((True, True, True, False), "fair"),
        ((True, False, False, False), "bad"),
    ],
    ids=["none", "one of twenty", "a quarter", "most"],
)
def test_the_colour_follows_the_share_of_faults(shown: tuple[bool, ...], tone: str) -> None:
    """In the summary and in the answer."""
    made = audited(client("app/1", *shown))
    assert made.overall is not None
    assert made.overall.tone == made.answers[2].statements[0].tone == tone


def test_the_spread_is_over_clients_whatever_their_number_of_requests() -> None:
    """The worst by name, the quartiles between clients, and the best."""
    made = audited(
        client("none/1", False, False),
        client("half/1", True, False),
        client("most/1", True, True, True, False),
        client("all/1", *([True] * 40)),
        client("all/2", True),
    )
    one = made.overall
    assert isinstance(one, Overall)
    assert (one.worst_client, one.worst, one.best) == ("none/1", 0, 1)
    assert (one.lower_quartile, one.median, one.upper_quartile) == (0.5, 0.75, 1)
    assert one.spread == "Worst of 5 clients: 0 % (`none/1`). Quartiles: 50 %, 75 %, 100 %."


def test_actions_are_ranked_by_the_faults_that_they_mend() -> None:
    """Rule, what to do, how many faults of how many clients; at most three."""
    many = [client(f"omits/{n}", True, False, False) for n in range(3)]
    overriding = [
        Ex(0, 10, 20, [Issue("PriceListId", "7", priority="forced")], client="defies/1"),
        Ex(1000, 1010, 1020, [], [Present("PriceListId", "8")], "defies/1"),
    ]
    made = audited(*many, overriding)
    first, second, third = made.actions
    assert (first.rule, first.faults, first.requests, first.clients) == ("state-omitted", 6, 6, 3)
    assert (second.rule, second.faults, second.clients) == ("forced-value-defied", 1, 1)
    assert (third.faults, third.clients) == (0, 0)
    assert first.effect(7) == "mends 6 of 7 faults (86 %) of 3 clients"
    text = html.document_fromstring(render_html(made)).text_content()
    assert "mends 6 of 7 faults (86\N{NO-BREAK SPACE}%) of 3 clients" in text.replace(
        " %", "\N{NO-BREAK SPACE}%"
    )
    assert first.remedy in text
    assert "Ranked by the faults that they mend" in text


def test_nothing_to_judge_has_no_summary() -> None:
    """Neither a compliance nor an action."""
    made = audited([Ex(0, 1, 2)])
    assert made.overall is None
    assert "honoured?" not in render_html(made)


def test_findings_of_one_rule_are_one_card_with_a_table_of_clients() -> None:
    """Sixty clients: one heading, sixty rows with requests, share and times, the first ten open."""
    page = html.document_fromstring(render_html(audited(*crowd(60))))
    (card,) = page.xpath("//article[@id='rule-state-omitted']")
    assert len(page.xpath("//h3[contains(., 'State left out')]")) == 1
    rows = card.xpath(".//table[contains(@class, 'subjects')]//tbody/tr")
    assert len(rows) == 60
    assert len(card.xpath("./details/table[contains(@class, 'subjects')]//tbody/tr")) == 10
    cells = [" ".join(cell.text_content().split()) for cell in rows[0]]
    assert cells[1:4] == ["LangId", "1", "2 %of 50"]
    markdown = render_markdown(audited(*crowd(60)))
    assert markdown.count("Medium: State left out of requests") == 1
    assert "10 of 60 rows" in markdown
