"""Findings: the same on every engine, bounded, and none where nothing is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from rules.histories import CART, CUSTOMER, FIRES, LANG, VISITOR, login, shop, zest
from statetrail.recording.engines import Engine
from statetrail.recording.frames import open_recording
from statetrail.rules import (
    RULES,
    SEVERITIES,
    findings,
    findings_of,
    gather,
    hits,
    load_profile,
    rule,
)
from statetrail.rules.gather import checked
from statetrail.rules.sources import cite
from statetrail.schema import pseudonym
from statetrail.store import reader
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts
from support.histories import Ex, Issue, Present, facts, fingerprint, recording


def test_findings_are_the_same_on_every_engine() -> None:
    """All rules at once, each at origins of its own: all engines give the same rows."""
    history = [
        replace(ex, client=f"{rule_id}: {ex.client}", host=f"{rule_id}.{ex.host}")
        for rule_id, case in FIRES.items()
        for ex in case.history
    ]
    expected = findings(recording(history, engine="pyarrow")).rows()
    assert {row["rule"] for row in expected} == FIRES.keys()
    assert findings(recording(history, engine="duckdb")).rows() == expected
    assert findings(recording(history, engine="pandas")).rows() == expected


@pytest.mark.parametrize("hosts", ["{rule_id}.{host}", "{host}"])
def test_findings_are_the_same_in_buckets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    """All rules at once, of several clients each: at origins of their own, and all at the same."""
    monkeypatch.setattr(reader, "LARGE", 0)
    monkeypatch.setattr(hits, "GROUP", 40)
    monkeypatch.setattr(gather, "_HELD", 1)
    history = [
        replace(
            ex,
            start=ex.start + 7 * copy,
            client=f"{rule_id} {copy}: {ex.client}",
            host=hosts.format(rule_id=rule_id, host=ex.host),
        )
        for rule_id, case in FIRES.items()
        for copy in range(3)
        for ex in case.history
    ]
    whole = recording(history, engine="pyarrow")
    stored = Facts(tmp_path, "0" * 16, facts(history))
    dataset = export_parquet(stored, tmp_path / "dataset", whole.client_by, buckets=7)
    buckets = open_recording(dataset, client_by=whole.client_by)
    assert len(buckets.bucket_sizes) > 3
    assert findings(buckets).rows() == findings(whole).rows()
    assert checked(buckets) == checked(whole)
    strict = load_profile("owasp-high")
    assert findings(buckets, strict).rows() == findings(whole, strict).rows()


def test_what_is_said_of_clients_is_found_in_some_clients_at_a_time() -> None:
    """Findings of one client are merged where its bucket is looked at: no rule may come later."""
    assert all(one.divisible for one in RULES if one.audience == "client")


def test_an_empty_recording_has_no_findings() -> None:
    """No row, and no error where a column has no type of its own."""
    for engine in ("duckdb", "pandas", "polars"):
        assert findings(recording([], engine=engine)).rows() == []


def test_an_obedient_client_has_no_findings() -> None:
    """Everything presented as issued, nothing implicit, no reset: nothing is said of the client."""
    shown = [Present("LangId", "1", "uriquery")]
    history = [
        shop(0, [LANG, CUSTOMER]),
        *(shop(1000 * n, [LANG], shown) for n in range(1, 5)),
        zest(0, "T1", "1"),
        *(zest(1000 * n, "T1", "T1", method="POST") for n in range(1, 5)),
    ]
    rows = findings(recording(history, engine="pyarrow")).rows()
    assert {row["rule"] for row in rows} == {
        "no-limit-seen", "plain-http", "token-guessable", "token-in-url",
    }  # fmt: skip
    assert {row["client"] for row in rows} == {None}


def test_all_is_counted_and_little_is_listed() -> None:
    """Twenty exchanges of evidence, three details, and the full count."""
    requests = [shop(1000 * n, path=f"/services/v3/menu-{n % 5}") for n in range(1, 31)]
    (row,) = findings_of(
        rule("state-omitted"), recording([shop(0, [LANG]), *requests], engine="pyarrow")
    )
    assert row["count"] == 30
    assert row["evidence"] == ",".join(str(n) for n in range(2, 22))
    assert (
        "(GET /services/v3/menu-1, GET /services/v3/menu-2, GET /services/v3/menu-3, …)"
        in (row["message"])
    )


def stale(name: str, start: float, times: int = 1) -> list[Ex]:
    """A session that begins with `name`, is reset, and then presents the replaced value."""
    uses = [zest(start + 2000 + n, None, name) for n in range(times)]
    return [zest(start, name, "1"), zest(start + 1000, f"{name}-2", name), *uses]


@pytest.mark.parametrize(
    ("histories", "named"),
    [
        pytest.param(
            [stale("A", 0, times=2)],
            f"(GET {CART}), in session {{A}}. Expected: ",
            id="one",
        ),
        pytest.param(
            [stale(name, n * 100) for n, name in enumerate("AB")],
            f"(GET {CART}), in sessions {{A}}, {{B}}. Expected: ",
            id="two",
        ),
        pytest.param(
            [stale(name, n * 100) for n, name in enumerate("ABCD")],
            f"(GET {CART}), first in sessions {{A}}, {{B}}, {{C}}, …. Expected: ",
            id="more than are named",
        ),
        pytest.param(
            [stale("A", 0, times=21), stale("B", 50_000)],
            f"(GET {CART}, …), first in session {{A}}, …. Expected: ",
            id="more than are looked at",
        ),
    ],
)
@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
def test_a_finding_names_the_sessions_of_the_first_occurrences(
    histories: list[list[Ex]], named: str, engine: Engine
) -> None:
    """By the pseudonym of the first value, as the table of sessions does."""
    rec = recording([ex for history in histories for ex in history], engine=engine)
    (row,) = findings_of(rule("token-kept-after-reset"), rec)
    assert named.format(**{name: pseudonym(fingerprint(name)) for name in "ABCD"}) in row["message"]


def test_a_finding_without_a_session_names_none() -> None:
    """State without a key belongs to the sender; the server's findings are of all clients."""
    history = [shop(0, [LANG]), *(shop(1000 * n) for n in range(1, 7)), *stale("A", 0)]
    rows = findings(recording(history, engine="pyarrow")).rows()
    told = {row["rule"]: "in session ~" in row["message"] for row in rows}
    assert told["token-kept-after-reset"]
    assert not told["state-not-implemented"]
    assert not told["token-in-url"]


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
def test_two_rules_on_the_same_exchanges_are_one_finding(engine: Engine) -> None:
    """It names both, says what each saw, and counts each fault once."""
    history = [shop(0, [LANG]), *(shop(1000 * n) for n in range(1, 7))]
    found = [row for row in findings(recording(history, engine=engine)).rows() if row["client"]]
    (row,) = found
    assert (row["rule"], row["also"]) == ("state-not-implemented", "state-omitted")
    assert (row["count"], row["of"], row["faults"]) == (6, 6, 6)
    assert " Also state-omitted: 6 of 6 requests did not present LangId although" in row["message"]
    sources = row["references"].splitlines()
    assert len(sources) == len(set(sources))
    assert set(sources) >= {cite(one) for one in rule("state-omitted").references}


def test_rules_on_other_exchanges_stay_findings_of_their_own() -> None:
    """A graver rule leads only where it covers all that a lesser one saw; no two clients mix."""
    altered = Present("VisitorId", "qx7az4mp0s")
    history = [
        shop(0, [VISITOR]),
        *(shop(1000 * n, [VISITOR], [altered]) for n in (1, 2)),
        *(replace(shop(9000 + n), client="bot") for n in (0, 1000)),
    ]
    rows = findings(recording(history, engine="pyarrow")).rows()
    found = {(row["rule"], row["client"], row["also"]) for row in rows if row["client"]}
    assert found == {("value-mangled", "app", None)}
    kept = [*history, *(shop(5000 + n, [replace(VISITOR, value=f"V{n}")]) for n in (0, 1))]
    assert ("value-mangled", "app") in {
        (row["rule"], row["client"]) for row in findings(recording(kept, engine="pyarrow")).rows()
    }


@pytest.mark.parametrize("rule_id", FIRES)
def test_no_occurrence_is_lost_where_findings_are_merged(rule_id: str) -> None:
    """Each finding of a rule alone is one of all rules together, or part of a graver one."""
    rec = recording(FIRES[rule_id].history, engine="pyarrow")
    together = findings(rec).rows()
    for one in RULES:
        for alone in findings_of(one, rec):
            subject = (alone["client"], alone["origin"], alone["param"])
            (row,) = [
                row
                for row in together
                if (row["client"], row["origin"], row["param"]) == subject
                and one.id in (row["rule"], *(row["also"] or "").splitlines())
            ]
            assert row["count"] >= alone["count"]
            assert SEVERITIES.index(row["severity"]) >= SEVERITIES.index(alone["severity"])
            assert set(alone["evidence"].split(",")[:1]) <= set(row["evidence"].split(","))


def test_clients_and_origins_are_told_apart() -> None:
    """One finding each, although the parameter is the same."""
    case = FIRES["forced-value-defied"].history
    other = [Ex(**{**vars(ex), "client": "bot", "host": "two.example"}) for ex in case]
    rows = findings_of(rule("forced-value-defied"), recording([*case, *other], engine="pyarrow"))
    assert sorted((row["client"], row["origin"]) for row in rows) == [
        ("app", "http://shop.example"),
        ("bot", "http://two.example"),
    ]


def test_a_parameter_named_like_a_template_is_only_a_name() -> None:
    """What the network calls a parameter is never read as a format."""
    history = [shop(0, [Issue("{rule.check}", "1", problem="bad-name")])]
    (row,) = findings_of(rule("malformed-state-header"), recording(history, engine="pyarrow"))
    assert "1 of 1 issues of {rule.check} are malformed" in row["message"]


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
def test_a_cart_that_its_client_left_behind_is_lost_with_the_login(engine: Engine) -> None:
    """A reset and a refusal cost as much; each names its end and its last write."""
    history = [
        zest(0, "T1", "1"),
        login(500, "T1", "T1"),
        zest(1000, "T1", "T1", method="POST"),
        zest(1500, "T1", "T1", method="POST"),
        zest(2000, "T2", "T1"),
        zest(3000, "T2", "T2"),
        zest(0, "U1", "1", client="bot"),
        zest(1000, "U1", "U1", method="PUT", client="bot"),
        replace(zest(4000, None, "U1", client="bot"), status=403),
        zest(5000, "U2", "1", client="bot"),
        zest(6000, "U2", "U2", client="bot"),
    ]
    reset, refused = findings_of(rule("cart-lost"), recording(history, engine=engine))
    assert (reset["count"], reset["evidence"], refused["count"]) == (1, "5,4", 1)
    assert (
        "1 of 1 lost sessions contained a cart that the client did not fill again (GET "
        "/API/V3/Cart: reset, the login too)" in reset["message"]
    )
    assert (refused["evidence"], "(GET /API/V3/Cart: rejected)" in refused["message"]) == (
        "9,8", True,
    )  # fmt: skip


FILLED = [zest(0, "T1", "1"), zest(1000, "T1", "T1", method="POST")]
NEXT_USER = [zest(100, "U1", "1"), zest(1500, "U1", "U1")]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(
            [
                zest(60_000, "T2", "T1"),
                replace(zest(61_000, "X", "T2", method="POST"), status=503),
                zest(62_000, "T2", "T2"),
            ],
            id="the server failed when the client wrote the cart again",
        ),
        pytest.param(
            [login(60_000, "T2", "T1"), zest(61_000, "T2", "T2")],
            id="the session was found lost by a login, which brings the customer's own cart",
        ),
        pytest.param(
            [
                replace(zest(60_000, "X", "T1"), status=503),
                replace(zest(61_000, None, "T1"), path="/API/V3/Logout"),
                zest(70_000, "T2", "1"),
            ],
            id="an error issued a token of nobody, and the client ended its session",
        ),
        pytest.param(
            [zest(60_000, "T2", "T1"), zest(60_015, "T2", "T1"), zest(60_200, "T2", "T1")],
            id="it was last seen before it had to know of the loss",
        ),
        pytest.param(
            [
                *(*NEXT_USER, zest(60_000, "T2", "T1"), zest(60_500, "U1", "U1")),
                zest(90_000, "U1", "U1"),
            ],
            id="another user's session goes on behind the same sender",
        ),
        pytest.param(
            [
                *(*NEXT_USER, replace(zest(60_000, None, "T1"), status=401)),
                zest(90_000, "U1", "U1"),
            ],
            id="so too where the server refused the lost one",
        ),
    ],
)
def test_who_need_not_have_left_a_cart_behind_is_not_blamed(after: list[Ex]) -> None:
    """A cart is lost, and it is not known that its client saw so and let it be."""
    history = sorted([*FILLED, *after], key=lambda ex: ex.start)
    assert findings_of(rule("cart-lost"), recording(history)) == []


def basket(at: float, *shown: Present, method: str = "POST", path: str = "items") -> Ex:
    """A 52eSELLER write to a basket."""
    return shop(at, [], [*shown], path=f"/services/v3/baskets/7/{path}", method=method)


TICKETS = [Present("Ticket", "T1"), Present("Authentication", "A1")]


@pytest.mark.parametrize(
    "writes",
    [
        pytest.param([basket(1000, *TICKETS, method="PUT", path="sellto")], id="only its context"),
        pytest.param(
            [
                basket(1000, *TICKETS),
                shop(2000, [], [TICKETS[0]], path="/services/v3/logout", method="POST"),
                shop(3000, [], [Present("VisitorId", "V1")]),
            ],
            id="a cart that was the customer's when it logged out",
        ),
    ],
)
def test_a_session_without_items_of_its_own_loses_no_cart(writes: list[Ex]) -> None:
    """A visitor's session that ends with a new VisitorId, and goes on."""
    keys = {"VisitorId": "V1", "Ticket": "T1", "Authentication": "A1"}
    first, *of_login = (Issue(name, value, "header", "forced") for name, value in keys.items())
    visitor = [replace(ex, presented=[Present("VisitorId", "V1"), *ex.presented]) for ex in writes]
    after = [
        shop(60_000, [Issue("VisitorId", "V2", "header", "forced")], [Present("VisitorId", "V1")]),
        shop(61_000, [], [Present("VisitorId", "V2")]),
    ]
    for filled in (False, True):
        items = [basket(10_000, Present("VisitorId", "V1"))] if filled else []
        begin = shop(500, of_login, [Present("VisitorId", "V1")], path="/services/v3/login")
        history = [shop(0, [first]), replace(begin, method="POST"), *visitor, *items, *after]
        assert len(findings_of(rule("cart-lost"), recording(history))) == filled


def test_of_many_users_the_one_who_left_a_cart_behind_is_told() -> None:
    """The session that followed the lost one went on without a cart."""
    after = [*NEXT_USER, zest(60_000, "T2", "T1"), zest(60_500, "U1", "U1")]
    history = [*FILLED, *after, zest(61_000, "T2", "T2")]
    history.sort(key=lambda ex: ex.start)
    (row,) = findings_of(rule("cart-lost"), recording(history))
    assert (row["count"], row["message"].startswith("1 of 1 lost sessions")) == (1, True)


def test_each_finding_has_the_details_of_its_own_subject() -> None:
    """Many subjects at once, each with a detail and exchanges of its own."""
    names = [f"Param{n}" for n in range(60)]
    history = [
        Ex(n, n + 1, n + 2, [Issue(name, "1", problem=f"of-{name}")], path=f"/services/v3/{name}")
        for n, name in enumerate(names * 2)
    ]
    rows = findings_of(rule("malformed-state-header"), recording(history))
    assert sorted(row["param"] for row in rows) == sorted(names)
    for row in rows:
        assert f"of-{row['param']} at /services/v3/{row['param']}" in row["message"]
        ids = [int(number) for number in row["evidence"].split(",")]
        assert {history[number - 1].issued[0].param for number in ids} == {row["param"]}
