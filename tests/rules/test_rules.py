"""Every rule fires where it should, does not where it nearly would, and is complete."""

import re
from dataclasses import replace
from functools import partial
from importlib import import_module

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest

from rules.histories import BASKET, FIRES, MISSES, Fires, shop, struts, zest
from statetrail.analyses.conformance.verdict import VERDICTS
from statetrail.rules import AUDIENCES, CONFIDENCES, RULES, SEVERITIES, Rule, findings_of, rule
from statetrail.rules.profiles import DEFAULT
from statetrail.rules.rule import with_totals
from statetrail.rules.sources import cite
from support.histories import Ex, Issue, Present, recording

# How each kind of source is cited. A rule that cites another kind adds its form here.
SOURCES = (
    r"ZEST Ecommerce API, Session handling: Z[1-8](, Z[1-8])*",
    r"52eSELLER V3 API state headers \(01/03/2021\): (S[1-6](, S[1-6])*|[a-z][A-Za-z ,-]+)",
    r"CWE-[0-9]{2,4}: [A-Z].+",
    r"RFC (7519|9110|9111|6265|9700), section [0-9.]+: [A-Za-z].+",
    r"WHATWG Fetch, .+",
    r"OWASP ASVS v5\.0\.0-[0-9]{1,2}\.[0-9]\.[0-9]: [A-Za-z].+",
    r"OWASP Session Management Cheat Sheet, [A-Z].+",
    r"NIST SP 800-63B-4, section [0-9.]+: [A-Z].+",
    r"statetrail, method: [a-z ]+",
)


@pytest.mark.parametrize("rule_id", FIRES)
def test_a_rule_fires(rule_id: str) -> None:
    """Once, for the client that is to blame, with the exchanges that show it."""
    case: Fires = FIRES[rule_id]
    (row,) = findings_of(rule(rule_id), recording(case.history, engine="pyarrow"))
    assert (row["client"], row["param"], row["count"]) == (case.client, case.param, case.count)
    assert row["origin"] == "http://shop.example"
    assert row["evidence"] == case.evidence
    assert case.message in row["message"]
    assert row["first_us"] <= row["last_us"]


@pytest.mark.parametrize(
    ("rule_id", "history"),
    [
        pytest.param(rule_id, history, id=f"{rule_id}: {name}")
        for rule_id, misses in MISSES.items()
        for name, history in misses.items()
    ],
)
def test_a_rule_does_not_fire_on_a_near_miss(rule_id: str, history: list[Ex]) -> None:
    """What looks like it and is no fault."""
    assert findings_of(rule(rule_id), recording(history, engine="pyarrow")) == []


def test_a_finding_says_how_a_value_had_ended() -> None:
    """A token that is good for one request was not replaced, and 401 is no newer token."""
    history = [struts(0, issued="K1"), *(struts(1000 * n, "K1") for n in (1, 2, 3))]
    (row,) = findings_of(rule("token-kept-after-reset"), recording(history, engine="pyarrow"))
    assert (row["count"], row["evidence"]) == (2, "3,4")
    assert "had ended, and the client must have known (used)" in row["message"]
    # Nothing was rotated, and its dialect is none of the two protocols.
    assert "until-first-rotation" not in row["message"]
    assert "ZEST" not in row["references"]
    assert row["references"].startswith("Servlet sessions in the path, Struts one-time tokens")


@pytest.mark.parametrize(
    ("status", "answer", "severity"),
    [(200, [], "medium"), (500, [], "medium"), (403, [], "high"), (200, ["7"], "high")],
)
def test_a_refusal_settles_that_a_fault_is_severe(
    status: int, answer: list[str], severity: str
) -> None:
    """By its status, or by issuing the value that is forced; what is settled is not open (L11)."""
    issued, own = Issue("PriceListId", "7", "header", "forced"), Present("PriceListId", "9")
    answers = [replace(issued, value=value) for value in answer]
    history = [shop(0, [issued]), replace(shop(1000, answers, [own]), status=status)]
    (row,) = findings_of(rule("forced-value-defied"), recording(history, engine="pyarrow"))
    assert (row["severity"], "Open: " in row["message"]) == (severity, severity == "medium")


def test_who_is_sent_to_the_login_is_refused() -> None:
    """A cookie that was replaced before, and not the only one that its client presents."""

    def page(start: float, shown: str | None, issued: str | None, path: str, to: str = "") -> Ex:
        sid = partial(Issue, "sid", usage="implicit", dialect="cookie", extra={"tells": 1})
        return Ex(
            *(start, start + 10, start + 20, [sid(issued)] if issued else []),
            [Present("sid", shown, "cookie", dialect="cookie")] if shown else [],
            path=path,
            status=302 if to else 200,
            extra={"redirect_endpoint": to} if to else {},
        )

    visit = [page(0, None, "A" * 20, "/login"), page(1000, "A" * 20, "B" * 20, "/home")]
    visit += [page(2000, "B" * 20, None, "/home"), page(3000, "A" * 20, None, "/home", "/login")]
    (row,) = findings_of(rule("token-kept-after-reset"), recording(visit, engine="pyarrow"))
    assert (row["evidence"], row["severity"]) == ("4", "high")
    assert "Root cause: unknown (1)." in row["message"]


def test_a_session_is_lost_once() -> None:
    """However often its token is presented after that: these requests are another finding's."""
    history = [zest(0, "A", "1"), *(zest(1000 * n, f"B{n}", "A") for n in (1, 2, 3))]
    rec = recording(history, engine="pyarrow")
    (lost,) = findings_of(rule("session-reset"), rec)
    (kept,) = findings_of(rule("token-kept-after-reset"), rec)
    assert (lost["evidence"], kept["evidence"]) == ("2", "3,4")


def test_two_tokens_of_one_name_mix_sessions() -> None:
    """Whichever comes first; but not an old token beside that which replaced it."""
    shoppers = [zest(0, "A", "1"), zest(10, "B", "1"), zest(1000, "A", "A"), zest(1010, "B", "B")]
    both = [zest(2000, "A", "A", "B"), zest(3000, "B", "B", "A"), zest(4000, "B2", "B")]
    after = [zest(5000, "B2", "B", "B2"), zest(6000, "A", "A"), zest(6010, "B2", "B2")]
    history = [*shoppers, *both, *after]
    (row,) = findings_of(rule("sessions-mixed"), recording(history, engine="pyarrow"))
    assert (row["count"], row["evidence"], row["severity"]) == (2, "5,6", "high")


def test_who_keeps_the_authentication_of_another_login_mixes_sessions() -> None:
    """From the answer on that gave its session one of its own; the other one need not be in use."""

    def ask(start: float, ticket: str, authentication: str) -> Ex:
        shown = [Present("Ticket", ticket), Present("Authentication", authentication)]
        return shop(start, shown=shown, path=BASKET)

    def login(start: float, *values: str) -> Ex:
        names = ("Ticket", "Authentication")
        issued = [Issue(*pair, "header", "forced") for pair in zip(names, values, strict=True)]
        return shop(start, issued, path="/services/v3/login", method="POST")

    history = [login(0, "T1", "A1"), ask(1000, "T1", "A1"), login(2000, "T2", "A2")]
    history += [ask(2015, "T2", "A1"), ask(3000, "T2", "A1")]
    (row,) = findings_of(rule("sessions-mixed"), recording(history, engine="pyarrow"))
    assert (row["param"], row["evidence"], row["severity"]) == ("Authentication", "5", "medium")


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_a_rule_is_complete(one: Rule) -> None:
    """Its words, its grades, its sources, and both of its tests."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)
    module = import_module(f"statetrail.rules.{one.audience}.{one.id.replace('-', '_')}")
    assert [each for each in vars(module).values() if isinstance(each, Rule)] == [one]
    assert bool(one.verdicts) != (one.check is not None)
    assert set(one.verdicts) <= set(VERDICTS)
    assert one.severity in SEVERITIES
    assert one.confidence in CONFIDENCES
    assert one.audience in AUDIENCES
    assert one.title[0].isupper()
    assert len(one.remedy) > 40
    assert one.remedy.endswith(".")
    assert "{" not in one.remedy
    assert not one.expected.endswith(".")
    for text in (one.observed, one.expected):
        assert text.format(count=1, of=2, param="LangId", **DEFAULT.words)
    # A threshold is nobody's but the profile's.
    held = re.search(r"\{(idle_max|age_max|bits_min|overlap)\}", one.observed)
    assert bool(held) == one.has_threshold
    assert "{count} of {of}" in one.observed
    assert one.references
    for reference in one.references:
        assert any(re.fullmatch(form, cite(reference)) for form in SOURCES), reference
    assert one.id in FIRES, "no case where it fires"
    assert MISSES.get(one.id), "no near miss"


def test_rules_are_found_by_their_id() -> None:
    """Each once; an unknown id names the known ones."""
    assert len({one.id for one in RULES}) == len(RULES)
    assert rule("stale-value").id == "stale-value"
    with pytest.raises(KeyError, match="no rule is named 'x': choose from age-limit-exceeded"):
        rule("x")


def test_a_rule_with_verdicts_takes_no_check() -> None:
    """A rule has one way to look."""
    with pytest.raises(ValueError, match="has verdicts: it takes no check"):
        rule("stale-value")(rule("plain-http").occurrences)


def test_every_rule_has_its_histories_and_no_other_has() -> None:
    """The histories of a rule that was renamed are renamed too."""
    assert FIRES.keys() == MISSES.keys() == {one.id for one in RULES}


def test_totals_of_groups_belong_to_their_rows() -> None:
    """Also where a join gives the rows in another order, as PyArrow's does."""
    count = 200_000
    rows = pa.table({"series": np.arange(count) % 1000, "row": np.arange(count)})
    placed = nw.from_native(rows).lazy()
    found = with_totals(placed, ["series"], last=nw.col("row").max()).collect("pyarrow")
    last = found["row"].to_numpy() % 1000 + count - 1000
    assert (found["last"].to_numpy() == last).all()
