"""Uses against a plain loop, on every engine, and by hand where a bracket has an edge."""

from collections import Counter
from math import floor, inf, log10
from typing import Any

import pytest
from hypothesis import given, settings

from statetrail.analyses.lifetimes.gaps import BINS_PER_DECADE, SHORTEST_S
from statetrail.analyses.lifetimes.outcomes import EXCLUDED
from statetrail.analyses.lifetimes.summaries import gaps, use_tallies
from statetrail.analyses.lifetimes.uses import uses
from statetrail.analyses.tallies.use_tallies import ACCEPTED, LIMITS_S, USED, longer_than
from support.histories import Ex, Issue, Present, recording, token, use
from support.lives import is_late, tells, trail_of
from support.plain import Seen, issued, presented
from support.strategies import histories

SECRET = {"_session_token", "Ticket", "Authentication"}


def oracle(history: list[Ex], grace: int = 250_000) -> list[dict[str, Any]]:
    """The table by loops over lists, straight from the module's prose."""
    bound = {
        (f"http://{ex.host}", i.dialect, i.param)
        for ex in history
        for i in ex.issued
        if i.param in SECRET and not i.problem
        if i.priority == "forced" and i.usage != "implicit"
    }
    shown = [u for u in presented(history) if u.series[1:] in bound]
    issues = [i for i in issued(history) if i.series[1:] in bound]
    moves = trail_of(history, grace)
    rows = []
    for use_ in shown:
        token_key = use_.key[1:]
        own_uses = [u for u in shown if u.key[1:] == token_key]
        own_issues = [i for i in issues if i.key[1:] == token_key]
        cuts = [
            *((u.asked, u.id) for u in own_uses if outcome(u, shown, issues) == "ended"),
            *(
                (round(history[m["exchange_id"] - 1].start * 1000), m["exchange_id"])
                for m in moves
                if (m["origin"], m["dialect"], m["param"], m["from_fingerprint"]) == token_key
                # Of sessions that alternate no key replaces another's (L1).
                and (m["cause"] == "reset" or not alternate(m, shown, issues))
                and tells(history[m["exchange_id"] - 1])
            ),
        ]
        fate = outcome(use_, shown, issues)
        cut = min(cuts, default=(inf, 0))
        reason = None
        if use_.end == inf or use_.ex.begun is None:
            reason = "incomplete"
        elif len([u for u in shown if (u.id, u.series) == (use_.id, use_.series)]) > 1:
            reason = "ambiguous"
        elif fate == "unknown":
            reason = "unanswered"
        elif use_.end > cut[0] and use_.id != cut[1]:
            reason = "late"
            new = {(m["exchange_id"], m["client"], m["origin"], m["param"]) for m in moves}
            known = is_late(use_, issued(history), grace) and any(
                outcome(u, shown, issues) == "ended" and u.asked < use_.asked for u in own_uses
            )
            at = (use_.id, *use_.series[:2], use_.series[3])
            rejected = not any((i.id, i.series) == (use_.id, use_.series) for i in issues)
            if fate == "ended" and known and not rejected and at not in new:
                fate = "survived"
        row = {
            "exchange_id": use_.id,
            **dict(zip(("client", "origin", "dialect", "param"), use_.series, strict=True)),
            "fingerprint": use_.fingerprint,
            "request_start_us": use_.asked,
            "outcome": fate,
            "exclusion": reason,
            **dict.fromkeys(("idle_low_s", "idle_high_s", "age_low_s", "age_high_s")),
        }
        if reason is None:
            row |= brackets(
                use_, own_uses, own_issues, shown, issues, tick(history, use_.series[1])
            )
        rows.append(row)
    return sorted(
        rows, key=lambda r: [r[n] for n in ("exchange_id", "dialect", "param", "fingerprint")]
    )


def alternate(move: dict[str, Any], shown: list[Seen], issues: list[Seen]) -> bool:
    """Whether two values of the series were accepted in turns."""
    series = tuple(move[name] for name in ("client", "origin", "dialect", "param"))
    times: dict[str, list[int]] = {}
    for use_ in shown:
        if use_.series == series and outcome(use_, shown, issues) == "survived":
            times.setdefault(use_.value, []).append(use_.asked)
    return any(
        min(one) <= min(other) < max(one)
        for a, one in times.items()
        for b, other in times.items()
        if a != b
    )


def outcome(use_: Seen, shown: list[Seen], issues: list[Seen]) -> str:
    """What became of the token that this use presented."""
    same = [u for u in shown if u.id == use_.id]
    rivals = [u for u in same if u.series == use_.series]
    answers = [i.value for i in issues if (i.id, i.series) == (use_.id, use_.series)]
    status = use_.ex.status
    if use_.end == inf or use_.ex.begun is None or len(rivals) > 1:
        return "unknown"
    if use_.value in answers:
        return "survived"
    if (answers and tells(use_.ex)) or (status == 401 and len(same) == 1):
        return "ended"
    renewed = any(
        (u.id, u.series) == (i.id, i.series)
        and (u.id, u.key) not in {(k.id, k.key) for k in issues}
        for u in shown
        for i in issues
        if u.series[1:] == use_.series[1:]
    )
    could_tell = any(i.series[1:] == use_.series[1:] and i.ex.path == use_.ex.path for i in issues)
    silent = status == 200 and use_.series[2] == "52eseller" and (could_tell or not renewed)
    return "survived" if silent else "unknown"


def brackets(
    use_: Seen, uses_: list[Seen], births: list[Seen], shown: list[Seen], issues: list[Seen], d: int
) -> dict[str, float | None]:
    """The gap and the age of one use, each as the shortest and the longest that fit."""
    carried = {s.id: s for s in [*births, *uses_] if s.id != use_.id}.values()
    sure = {i.id for i in births} | {u.id for u in uses_ if outcome(u, shown, issues) == "survived"}
    before = [s for s in carried if max(s.end, s.asked + 1) <= use_.asked]
    overlap = [s for s in carried if s.end != inf and s not in before and s.asked <= use_.end]
    lost = [s.asked for s in carried if s.end == inf and s.asked <= use_.asked]
    accepted = [s.asked for s in before if s.id in sure]
    gap_low: float | None = None
    if before:
        last = max(max(s.end, s.asked + 1) for s in before)
        gap_low = max(0.0, use_.asked - last - d)
        if overlap or (lost and max(lost) >= max(s.asked for s in before)):
            gap_low = 0.0
    known = min([s.end for s in births] + [u.asked for u in uses_])
    born = bool(births) and min(b.begun for b in births) < min(u.asked for u in uses_)
    end = use_.end
    return {
        "idle_low_s": None if gap_low is None else gap_low / 1_000_000,
        "idle_high_s": (end + d - max(accepted)) / 1_000_000 if accepted else None,
        "age_low_s": max(0.0, use_.asked - known - d) / 1_000_000,
        "age_high_s": (end + d - min(b.asked for b in births)) / 1_000_000 if born else None,
    }


def tick(history: list[Ex], origin: str) -> int:
    """The grain of the clock readings of an origin."""
    times = [
        round(t * 1000)
        for ex in history
        if f"http://{ex.host}" == origin
        for t in (ex.start, ex.ended)
        if t is not None
    ]
    return next((g for g in (1_000_000, 1_000) if not any(t % g for t in times)), 0)


@settings(max_examples=15, deadline=None)
@given(histories(min_size=12))
def test_uses_are_what_a_plain_loop_finds(history: list[Ex]) -> None:
    """The vectorised table equals the oracle's on random histories."""
    assert uses(recording(history, engine="polars")).rows() == oracle(history)


@settings(max_examples=2, deadline=None)
@given(histories(min_size=12))
def test_uses_are_the_same_on_every_engine(history: list[Ex]) -> None:
    """DuckDB and pandas give the rows that Polars gives."""
    expected = uses(recording(history, engine="polars")).rows()
    assert uses(recording(history, engine="duckdb")).rows() == expected
    assert uses(recording(history, engine="pandas")).rows() == expected


ZEST = "/API/V3/Cart"


def zest(at: float, end: float, answer: str | None, shown: str, **more: Any) -> Ex:
    """A ZEST exchange that presents a token and is answered with one, on a clock of its own."""
    issued_ = [] if answer is None else [token(answer)]
    where = {"path": ZEST} | more
    return Ex(at + 0.001, at + 0.002, end + 0.001, issued_, [use(shown)], **where)


BORN = zest(0, 100, "T1", "1")
TICKET = Issue("Ticket", "T1", "header", "forced")
SHOW = Present("Ticket", "T1")

# Each case: the history, and of its last use the outcome and the reason to leave it out.
CASES: dict[str, tuple[list[Ex], tuple[str, str | None]]] = {
    "answered with itself": ([BORN, zest(1000, 1100, "T1", "T1")], ("survived", None)),
    "answered with another": ([BORN, zest(1000, 1100, "T2", "T1")], ("ended", None)),
    "rejected with a 401": ([BORN, zest(1000, 1100, None, "T1", status=401)], ("ended", None)),
    "a page without a token says nothing where every page has one": (
        [BORN, zest(1000, 1100, None, "T1")],
        ("unknown", "unanswered"),
    ),
    "silence is acceptance where a response may carry any subset": (
        [Ex(0, 1, 2, [TICKET]), Ex(1000, 1001, 1002, presented=[SHOW])],
        ("survived", None),
    ),
    "but not at an endpoint that could not have told of a renewal": (
        [
            Ex(0, 1, 2, [TICKET]),
            Ex(500, 501, 502, [Issue("Ticket", "T2", "header", "forced")], [SHOW]),
            Ex(1000, 1001, 1002, presented=[Present("Ticket", "T2")], path="/services/v3/menus"),
        ],
        ("unknown", "unanswered"),
    ),
    "an error is neither": (
        [Ex(0, 1, 2, [TICKET]), Ex(1000, 1001, 1002, presented=[SHOW], status=500)],
        ("unknown", "unanswered"),
    ),
    "an error that issues another may be anyone's (L8)": (
        [BORN, zest(1000, 1100, "T2", "T1", status=503)],
        ("unknown", "unanswered"),
    ),
    "and does not end the token for those that follow": (
        [
            *(BORN, zest(1000, 1100, "T2", "T1", status=503)),
            zest(2000, 2100, "T1", "T1"),
        ],
        ("survived", None),
    ),
    "a redirect that issues another does": (
        [BORN, zest(1000, 1100, "T2", "T1", status=302)],
        ("ended", None),
    ),
    "and so does a refusal": (
        [BORN, zest(1000, 1100, "T2", "T1", status=403)],
        ("ended", None),
    ),
    "a 401 to two tokens blames neither": (
        [
            Ex(0, 1, 2, [TICKET, Issue("Authentication", "A", "header", "forced")]),
            Ex(1000, 1001, 1002, presented=[SHOW, Present("Authentication", "A")], status=401),
        ],
        ("unknown", "unanswered"),
    ),
    "no response": (
        [BORN, Ex(1000, None, None, presented=[use("T1")], path=ZEST)],
        ("unknown", "incomplete"),
    ),
    "a twin of the use that found it ended is late": (
        [BORN, zest(1000, 1100, "T2", "T1"), zest(1050, 1150, "T2", "T1")],
        ("ended", "late"),
    ),
    "a replaced token that is answered with the newer one was taken all the same": (
        [BORN, zest(1000, 1100, "T2", "T1"), zest(9000, 9100, "T2", "T1")],
        ("survived", "late"),
    ),
    "but not one that is answered with yet another": (
        [BORN, zest(1000, 1100, "T2", "T1"), zest(9000, 9100, "T3", "T1")],
        ("ended", "late"),
    ),
    "nor one that is rejected": (
        [BORN, zest(1000, 1100, "T2", "T1"), zest(9000, 9100, None, "T1", status=401)],
        ("ended", "late"),
    ),
    "a logout tells nothing of lifetimes": (
        [BORN, zest(1000, 1100, "T2", "T1", path="/API/V3/Logout")],
        ("ended", "logged-out"),
    ),
    "nor does a token used after it": (
        [
            BORN,
            zest(1000, 1100, "T1", "T1", path="/API/V3/Logout"),
            zest(2000, 2100, "T2", "T1"),
        ],
        ("ended", "logged-out"),
    ),
    "a use that ended the moment the last one began is not late": (
        [BORN, zest(1000.001, 1100, "T2", "T1"), zest(900, 1000.001, "T1", "T1")],
        ("survived", None),
    ),
    "a use after the client had asked for another is none: two sessions (L1)": (
        [BORN, zest(1000, 1100, "T2", "1"), zest(2000, 2100, "T1", "T1")],
        ("survived", None),
    ),
    "a login that is answered with another token says nothing of lifetimes": (
        [BORN, zest(1000, 1100, "T2", "T1", path="/API/V3/Login", method="POST")],
        ("ended", "logged-in"),
    ),
    "a clock that was set back meanwhile: nobody knows how long the token had lain unused": (
        [
            zest(0, 100, "T1", "1", extra={"capture_id": 1}),
            zest(100_000, 100_100, "U1", "1", client="bot", extra={"capture_id": 1}),
            zest(50_000, 50_100, "T2", "T1", extra={"capture_id": 1}),
        ],
        ("ended", "clock-step"),
    ),
    "of two sessions that alternate neither replaces the other (L1)": (
        [
            *(BORN, zest(500, 600, "T1", "T1"), zest(1000, 1100, "T2", "1")),
            *(zest(2000, 2100, "T2", "T2"), zest(3000, 3100, "T1", "T1")),
        ],
        ("survived", None),
    ),
}


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES.keys())
def test_what_becomes_of_a_used_token(history: list[Ex], expected: tuple[str, str | None]) -> None:
    """Each case's last use has this outcome, and this reason to be left out."""
    row = uses(recording(history, engine="polars")).rows()[-1]
    assert (row["outcome"], row["exclusion"]) == expected


def test_every_reason_to_leave_a_use_out_is_told_by_a_case() -> None:
    """The table of cases, and a request with two tokens, show each reason."""
    two = [BORN, Ex(1000, 1010, 1020, [token("T1")], [use("T1"), use("T2")], path=ZEST)]
    reasons = {row["exclusion"] for row in uses(recording(two, engine="polars")).rows()}
    assert reasons | {reason for _, (_, reason) in CASES.values()} == {None, *EXCLUDED}


@pytest.mark.parametrize(
    ("history", "gap", "age"),
    [
        pytest.param(
            [BORN, zest(1000, 1100, "T1", "T1")], (0.899999, 1.1), (0.899999, 1.1),
            id="from the birth",
        ),
        pytest.param(
            [BORN, zest(1000, 1100, "T1", "T1"), zest(5000, 5100, "T1", "T1")],
            (3.899999, 4.1), (4.899999, 5.1),
            id="the gap from the last use, the age from the birth",
        ),
        pytest.param(
            [zest(1000, 1100, "T1", "T1"), zest(5000, 5100, "T1", "T1")],
            (3.899999, 4.1), (4.0, None),
            id="no upper age without a birth",
        ),
        pytest.param(
            [BORN, zest(5000, 5200, "T1", "T1"), zest(5100, 5300, "T1", "T1")],
            (0.0, 5.3), (4.999999, 5.3),
            id="no lower gap beside another use, no upper one but from before both",
        ),
        pytest.param(
            [BORN, Ex(3000, None, None, presented=[use("T1")], path=ZEST),
             zest(5000, 5100, "T1", "T1")],
            (0.0, 5.1), (4.899999, 5.1),
            id="a request that was lost may have touched it",
        ),
        pytest.param(
            [BORN, Ex(0.001, None, None, presented=[use("T1")], path=ZEST),
             zest(5000, 5100, "T1", "T1")],
            (0.0, 5.1), (5.0, None),
            id="also one lost that began with another",
        ),
        pytest.param(
            [BORN, zest(2000, 2100, "T1", "T1", client="bot"), zest(5000, 5100, "T1", "T1")],
            (2.899999, 3.1), (4.899999, 5.1),
            id="another client kept it alive",
        ),
        pytest.param(
            [Ex(0, 1, 2, [token("T1")], path=ZEST),
             Ex(1000, 1001, 1002, [token("T1")], [use("T1")], path=ZEST)],
            (0.997, 1.003), (0.997, 1.003),
            id="a clock of whole milliseconds widens both ends by one",
        ),
    ],
)  # fmt: skip
def test_the_brackets_of_the_last_use(
    history: list[Ex], gap: tuple[float, float], age: tuple[float, float | None]
) -> None:
    """The shortest and the longest gap and age that fit what the proxy saw."""
    row = uses(recording(history, engine="polars")).rows()[-1]
    assert (row["idle_low_s"], row["idle_high_s"]) == pytest.approx(gap, abs=2e-6)
    assert row["age_low_s"] == pytest.approx(age[0], abs=2e-6)
    assert row["age_high_s"] == (None if age[1] is None else pytest.approx(age[1], abs=2e-6))


@settings(max_examples=15)
@given(histories(min_size=8))
def test_tallies_and_gaps_count_the_uses(history: list[Ex]) -> None:
    """Each as loops over the rows of the table count them."""
    rec = recording(history, engine="pyarrow")
    rows = uses(rec).rows()
    counted = [row for row in rows if row["exclusion"] is None]
    survived = [row for row in counted if row["outcome"] == "survived"]
    expected = {USED: (len(rows), len(rows)), ACCEPTED: (len(survived), len(counted))}
    for bound, limits_s in LIMITS_S.items():
        low_s = [row[f"{bound}_low_s"] for row in survived if row[f"{bound}_low_s"] is not None]
        for limit_s in limits_s:
            beyond = sum(low > limit_s for low in low_s)
            expected[longer_than(bound, limit_s)] = beyond, len(low_s)
    found = dict.fromkeys(expected, (0, 0))
    for row in use_tallies(rec).rows():
        hits, times = found[row["tally"]]
        found[row["tally"]] = hits + row["hits"], times + row["times"]
    assert found == expected
    bins = Counter[int]()
    for row in counted:
        gap = row["idle_high_s" if row["outcome"] == "ended" else "idle_low_s"]
        if gap is not None:
            bins[floor(log10(max(gap, SHORTEST_S)) * BINS_PER_DECADE)] += 1
    shown = Counter[int]()
    for row in gaps(rec).rows():
        shown[row["bin"]] += row["count"]
    assert shown == bins
