"""Overrides and what becomes of them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from statetrail.analyses.exposure.overrides import OUTCOMES, override_outcomes, overrides
from statetrail.recording.engines import Engine
from studies.oracle.verdict_oracle import judge
from support.histories import Ex, Issue, Present, recording
from support.strategies import histories

ENGINES = pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])
BASKET = "/services/v3/baskets/1"


def shop(start: float, issued: str | None, shown: str | None = None, **options: object) -> Ex:
    """A 52eSELLER exchange about a currency."""
    return Ex(
        start,
        start + 10,
        start + 20,
        [] if issued is None else [Issue("CurrId", issued)],
        [] if shown is None else [Present("CurrId", shown)],
        **options,  # type: ignore[arg-type]
    )


@ENGINES
def test_what_became_of_overrides(engine: Engine) -> None:
    """Adopted at once or later, fought, unanswered; on a basket without effect."""
    history = [
        shop(0, "1"),
        shop(1000, "2", "2"),  # adopted at once
        shop(2000, "1", "3"),  # fought
        shop(3000, None, "4"),  # adopted later
        shop(4000, "4"),
        shop(5000, None, "5", path=BASKET),  # without effect
        shop(6000, "4", "4", path=f"{BASKET}/state"),
        shop(7000, None, "6", path=f"{BASKET}/state", method="PUT"),  # nothing follows
    ]
    (row,) = overrides(recording(history, engine=engine)).rows()
    assert (row["overrides"], *(row[name] for name in OUTCOMES)) == (5, 2, 2, 1)
    assert (row["on_baskets"], row["without_effect"]) == (1, 1)
    assert (row["first_us"], row["last_us"]) == (1_000_000, 7_000_000)


@settings(max_examples=15, deadline=None)
@given(histories(max_size=25))
def test_outcomes_are_those_of_a_plain_loop(history: list[Ex]) -> None:
    """The next issue of the series decides, whatever the history."""
    # Which of two values presented at once is the override, only the judge knows.
    history = [ex for ex in history if len({p.param for p in ex.presented}) == len(ex.presented)]
    found = {
        (row["exchange_id"], row["param"]): row["outcome"]
        for row in override_outcomes(recording(history, engine="polars"))
        .lazy.collect("pyarrow")
        .rows(named=True)
    }
    expected = {
        (number, param): plain(history, number, dialect, param)
        for (number, dialect, param), (verdict, _, _) in judge(history, 250).items()
        if verdict == "overridden"
    }
    assert found == expected


def plain(history: Sequence[Ex], number: int, dialect: str, param: str) -> str:
    """The outcome of one override."""
    ex = history[number - 1]
    (value,) = {p.value for p in ex.presented if (p.dialect, p.param) == (dialect, param)}
    issued = [
        (max(other.begun if other.begun is not None else other.start, other.start), i.value, other)
        for other in history
        if (other.client, other.host) == (ex.client, ex.host)
        for i in other.issued
        if (i.dialect, i.param, i.problem) == (dialect, param, None)
    ]
    answers = {v for _, v, other in issued if other is ex}
    after = [begun for begun, _, _ in issued if begun >= ex.start]
    if not answers and after:
        answers = {v for begun, v, _ in issued if begun == min(after)}
    if not answers:
        return "unanswered"
    return "answered" if value in answers else "fought"
