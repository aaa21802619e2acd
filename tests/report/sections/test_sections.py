"""The sections on lost sessions, root causes, overrides, credentials and what was around."""

import pytest

from rules.histories import LANG, LOC, ads, shop, zest
from statetrail.report.audit import audit
from statetrail.report.document import Document
from statetrail.report.sections.clients import ClientsSection
from statetrail.report.sections.findings import first_of_each
from statetrail.schema import pseudonym
from support.audits import CREATED
from support.audits import document as sample
from support.histories import Ex, Issue, Present, fingerprint, recording


def told(*history: Ex) -> Document:
    """The document of an audit of that history."""
    return audit(recording(history), created=CREATED).document


def test_a_lost_session_is_told_with_what_it_cost() -> None:
    """The cart that was written and not written again; a session without loss is counted only."""
    document = told(
        zest(0, "T1", "1"),
        zest(1000, "T1", "T1", method="POST"),
        zest(9000, "T2", "T1"),
        zest(0, "B1", "1", client="bot"),
    )
    (summary,) = document.sessions
    assert (summary.sessions, summary.lost, summary.ended) == (3, 1, {"open": 2, "reset": 1})
    assert (summary.carts_lost, summary.cart_writes_lost, summary.logins_lost) == (1, 1, 0)
    (lost,) = document.sessions_lost
    assert document.sessions_lost_total == 1
    assert (lost.client, lost.session) == ("app", pseudonym(fingerprint("T1")))
    assert (lost.cart_writes_lost, lost.login_lost, lost.end) == (1, False, "reset")


def test_root_causes_are_told_with_their_evidence() -> None:
    """Faults by cause, where they were, and the first of them."""
    document = told(shop(0, [LANG]), *(shop(1000 * n) for n in range(1, 7)))
    assert document.faults_by_cause == {"not-implemented": 6}
    (cause,) = document.root_causes
    assert (cause.cause, cause.count, cause.verdict) == ("not-implemented", 6, "omitted")
    assert cause.endpoints == ("/services/v3/products",)
    assert cause.evidence[0] == 2


def test_overrides_are_told_with_what_became_of_them() -> None:
    """Fought twice, and once without an issue after it."""
    fought = [shop(1000 * n, [LOC], [Present("LocId", "9")]) for n in (1, 2)]
    document = told(shop(0, [LOC]), *fought, shop(3000, [], [Present("LocId", "9")]))
    (override,) = document.overrides
    assert (override.overrides, override.fought, override.unanswered) == (3, 2, 1)


def test_credentials_in_other_hands_are_told_by_pseudonym() -> None:
    """Two clients with one token, and one that sends it to another origin."""
    document = told(
        zest(0, "L1", "1"), zest(1000, None, "L1"), zest(2000, None, "L1", client="bot"),
        ads(3000, ("referer", "L1")), ads(4000, ("referer", "L1")),
    )  # fmt: skip
    assert document.shared_total == 1
    assert [(row.client, row.how) for row in document.shared] == [
        ("app", "handed"),
        ("bot", "taken"),
    ]
    (leak,) = document.leaks
    assert (leak.value, leak.place, leak.count) == (pseudonym(fingerprint("L1")), "referer", 2)
    assert (leak.issued_origin, leak.origin) == ("http://shop.example", "http://ads.example")


def test_how_values_ended_is_counted_by_parameter() -> None:
    """One was reset, its successor lives."""
    document = told(zest(0, "T1", "1"), zest(9000, "T2", "T1"))
    (summary,) = document.tokens_summary
    assert summary.ended == {"open": 1, "reset": 1}


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
def test_a_finding_tells_the_exchanges_around_it(engine: str) -> None:
    """Those of the same client and origin next to it, by time; what is in no scope is left out."""
    history = [zest(100 * n, "T1", "T1") for n in range(9)]
    history.insert(5, Ex(450, 451, 452, path="/style.css"))
    history.append(zest(430, "T1", "T1", client="bot"))
    history += [zest(2000, "T2", "T1"), zest(3000, None, "T1"), zest(4000, "T2", "T2")]
    made = audit(recording(history, engine=engine), created=CREATED)  # type: ignore[arg-type]
    (finding,) = [one for one in made.document.findings if one.rule == "token-kept-after-reset"]
    assert finding.evidence == (13,)
    assert finding.around == (8, 9, 10, 12, 13, 14)
    assert {12, 13, 14} <= {exchange.exchange for exchange in made.document.exchanges}


def test_no_rule_hides_the_others_where_there_are_many_findings() -> None:
    """The first of each rule are kept, in their order."""
    high, medium, _ = sample().findings
    found = [high] * 50 + [medium] * 50
    assert first_of_each(found, 2, 100) == found
    assert first_of_each(found, 2, 10) == [high, high, medium, medium]


def test_a_parameter_of_a_realm_has_its_changes_and_its_clients() -> None:
    """A token that is good for every origin, and a cookie of a site: one row each."""
    bearer = {"dialect": "bearer", "usage": "form", "extra": {"tells": 1}}
    cookie = {"dialect": "cookie", "usage": "cookie", "extra": {"tells": 1}}
    document = told(
        Ex(0, 10, 20, [Issue("refresh_token", "R1", **bearer), Issue("sid", "S1", **cookie)]),
        Ex(
            *(1000, 1010, 1020),
            [Issue("refresh_token", "R2", **bearer), Issue("sid", "S2", **cookie)],
            [
                Present("refresh_token", "R1", "form", dialect="bearer"),
                Present("sid", "S1", "cookie", dialect="cookie"),
            ],
            host="login.shop.example",
        ),
    )
    assert {
        (row.origin, row.param): (row.issues, row.values, row.changes, row.clients_issued)
        for row in document.parameters
    } == {("*", "refresh_token"): (2, 2, 1, 1), ("shop.example", "sid"): (2, 2, 1, 1)}
    assert sum(row.changes for row in document.parameters) == document.rotations_total


def test_a_client_has_no_row_where_nothing_of_it_was_judged_but_elsewhere() -> None:
    """Every client is listed once at least, and the document has all rows."""
    tells = {"extra": {"tells": 1}}
    cookie = Issue("sid", "S1", "cookie", dialect="cookie", **tells)
    token = Issue("access_token", "T1", dialect="bearer", **tells)
    shown = [Present("sid", "S1", "cookie", dialect="cookie")]
    document = told(
        Ex(0, 10, 20, [token], client="app"), Ex(0, 10, 20, [cookie], client="browser"),
        Ex(1000, 1010, 1020, [], shown, client="browser"), Ex(1000, 1010, 1020, client="idle"),
    )  # fmt: skip
    rows = {(row.client, row.dialect) for row in document.clients}
    listed = {(row.client, row.dialect) for row in document.section(ClientsSection).listed_clients}
    assert listed < rows
    assert {client for client, _ in listed} == {client for client, _ in rows}
