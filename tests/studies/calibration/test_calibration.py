"""The calibration in small: its statistics against published ones, its judgements by hand."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studies.calibration import run
from studies.calibration.cases import CASES, REACH
from studies.calibration.judge import Share, judge, limit_of, tally
from studies.calibration.naive import (
    Lives,
    kaplan_meier,
    longest_survived,
    median_lifetime,
    weibull,
)
from studies.calibration.tables import asked
from studies.simulation import POLICIES, Truth, draw


def row(truth: Truth, policy: str, *, off: float = 1.0) -> dict[str, Any]:
    """A row that names this policy, its intervals a tenth wide around `off` times the truth."""
    bounds = {}
    for limit in ("idle", "age"):
        true = limit_of(truth, limit) * off
        for kind in (limit, f"{limit}_sharp"):
            bounds[f"{kind}_low_s"] = None if math.isinf(true) else 0.95 * true
            bounds[f"{kind}_high_s"] = None if math.isinf(true) else 1.05 * true
    return {"policy": policy, **bounds}


@pytest.mark.parametrize(
    ("case", "named", "off", "meant"),
    [
        ("idle", "idle", 1.0, (True, False, True)),
        ("idle", "idle", 2.0, (True, False, False)),
        ("idle", "undetermined", 1.0, (False, False, True)),
        ("idle", "age", 1.0, (False, True, True)),
        ("idle", "none-seen", 1.0, (False, True, True)),
        ("absolute", "age", 1.0, (True, False, True)),
        ("absolute", "absolute", 1.0, (True, False, True)),
        ("absolute", "periodic", 1.0, (False, True, True)),
        ("idle+absolute", "idle+absolute", 1.0, (True, False, True)),
        ("idle+absolute", "undetermined", 1.0, (False, False, None)),
        ("per-request", "per-request", 1.0, (True, False, None)),
        ("none", "none-seen", 1.0, (True, False, None)),
        ("none", "idle", 1.0, (False, True, None)),
    ],
)
def test_a_row_is_held_against_the_truth(
    case: str, named: str, off: float, meant: tuple[bool, bool, bool | None]
) -> None:
    """Whether it is right, wrong, and covers."""
    truth = draw(CASES[case].policy, 60, 1).truth
    judged = judge(CASES[case], truth, row(truth, named, off=off))
    assert (judged.right, judged.wrong, judged.covered) == meant
    assert judged.sharp_covered == judged.covered
    assert judged.width is None or judged.width == pytest.approx(0.1 * off)


def test_a_second_cause_without_a_trace_is_no_reproach() -> None:
    """An absolute limit that never struck: `idle` is wrong, and could not be avoided."""
    case = CASES["idle+absolute"]
    truths = [draw("idle+absolute", 10, seed).truth for seed in range(40)]
    untraced = [truth for truth in truths if truth.idle_explains and truth.ends]
    traced = [truth for truth in truths if not truth.idle_explains]
    assert untraced
    assert traced
    for truth in (*untraced, *traced):
        judged = judge(case, truth, row(truth, "idle"))
        assert judged.wrong
        assert judged.avoidable == (not truth.idle_explains)


@pytest.mark.parametrize("case", ["idle", "absolute", "periodic"])
def test_no_sharp_interval_is_narrower_than_by_the_clock_of_the_server(case: str) -> None:
    """A capture knows less than the server, and what it knows is true."""
    batch = run.Batch(case, 30, tuple(range(12)))
    judged = run.calibrate(batch).judged
    for capture in judged:
        assert capture.clock_width is not None
        assert capture.sharp_width is None or capture.sharp_width >= capture.clock_width > 0


def test_the_strict_name_counts_where_late_uses_tell_it() -> None:
    """`absolute` and `periodic` are one family where no value was used after its end."""
    case = CASES["periodic"]
    for seed in range(6):
        truth = draw("periodic", 60, seed).truth
        strict = judge(case, truth, row(truth, "periodic")).strict
        assert strict is (True if truth.late[1] else None)


def test_no_row_is_no_answer() -> None:
    """Where nothing was inferred, nothing was claimed."""
    truth = draw("idle", 10, 1).truth
    judged = judge(CASES["idle"], truth, None)
    assert (judged.named, judged.wrong, judged.covered) == ("undetermined", False, None)


def test_wilson_intervals_are_the_published_ones() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (hits, trials), meant in published.items():
        assert Share(hits, trials).wilson == pytest.approx(meant, abs=6e-5)


def test_the_median_of_kaplan_meier_is_the_published_one() -> None:
    """Remission with 6-MP (Freireich et al. 1963): 23 weeks, from 13 on."""
    events = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    spans = np.array(events + censored, dtype=np.float64)
    ended = np.arange(len(spans)) < len(events)
    assert kaplan_meier(Lives(spans, ended, spans, spans)) == (23.0, 13.0, math.inf)


def test_naive_estimators_miss_an_idle_timeout() -> None:
    """Values that die at a gap of 100 s after long lives: too long, or sure of too little."""
    rng = np.random.default_rng(1)
    outlived, fatal = 100 * rng.uniform(0.5, 0.99, 50), 100 * rng.uniform(1.01, 3, 50)
    seen = Lives(500 * rng.random(50), np.ones(50, dtype=np.bool_), outlived, fatal)
    assert longest_survived(seen)[2] < 100
    assert median_lifetime(seen)[1] > 100
    point, low, high = weibull(seen)
    assert outlived.max() < point < fatal.min()
    assert high - low < 0.1


def test_every_world_is_drawn_once_and_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the family of seeds that development does not use."""
    drawn: Counter[tuple[Any, ...]] = Counter()

    def remember(policy: str, values: int, seed: int, *, family: str, variation: Any) -> Any:
        drawn[policy, values, seed, family] += 1
        return draw(policy, 5, seed)

    monkeypatch.setattr(run, "draw", remember)
    todo = run.batches(["idle", "none"], [10, 4000], 7, 3)
    judged = [one for batch in todo for one in run.calibrate(batch).judged]
    assert len(judged) == 28
    assert drawn == Counter(
        (policy, size, seed, "held-out")
        for policy in ("idle", "none")
        for size in (10, 4000)
        for seed in range(3, 10)
    )


def test_the_calibration_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """The same captures give the same tables, up to the time it took."""
    arguments = ["--captures", "3", "--sizes", "10", "--policies", "idle,none", "--jobs", "1"]
    printed = []
    for _ in range(2):
        assert run.main(arguments) in (0, 1)
        printed.append(capsys.readouterr().out.splitlines()[:-1])
    assert printed[0] == printed[1]
    assert any("none-seen" in line for line in printed[0])


def test_the_cases_know_every_policy() -> None:
    """And what is asked for is asked of cases that there are."""
    assert {case.policy for case in CASES.values()} == set(POLICIES)
    assert all(case in CASES for wanted in REACH.values() for case in wanted)


def test_a_tally_leaves_out_what_is_not_known() -> None:
    """A share is of the captures in which there is something to be right about."""
    truth = draw("idle", 10, 1).truth
    case = CASES["idle"]
    found = tally([judge(case, truth, row(truth, "idle")), judge(case, truth, None)])
    assert found.share("covered") == Share(1, 1)
    assert found.share("right") == Share(1, 2)
    assert found.named() == {"idle": 1, "undetermined": 1}


def test_a_calibration_that_was_stopped_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches whose outcomes were kept are not worked through again, and print the same."""
    arguments = ["--captures", "2", "--sizes", "10", "--policies", "none", "--jobs", "1"]
    arguments += ["--keep", str(tmp_path)]
    printed = []
    for _ in range(2):
        run.main(arguments)
        printed.append(capsys.readouterr().out.splitlines()[:-1])
        monkeypatch.setattr(run, "calibrate", None)
    assert printed[0] == printed[1]


def test_each_line_that_is_asked_for_is_printed_with_whether_it_is_reached() -> None:
    """One case that is right and one that names nothing."""
    truth = draw("idle", 30, 1).truth
    case = CASES["idle"]
    right, silent = (tally([judge(case, truth, r)]) for r in (row(truth, "idle"), None))
    for found, reached in ((right, True), (silent, False)):
        lines = list(asked({("idle", 30): found}, ["idle"], [30]))
        named = next(line for line in lines if line.what == "idle named rightly")
        assert (named.where, named.asked, named.reached) == ("30 values", "≥ 0.85", reached)
        wrong = next(line for line in lines if line.what == "idle avoidably wrong")
        assert wrong.reached
    assert {line.what for line in asked({("idle", 30): right}, ["idle"], [30])} >= {
        "idle covered as reported",
        "idle covered as sharp",
        "idle median width, sharp",
        "idle median width, reported",
    }
