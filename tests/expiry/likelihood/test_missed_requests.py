"""The chances of missed requests against a simulation, and captures with holes."""

import numpy as np
import pytest

from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.expiry.likelihood.missed_requests import MOST, SHARES, log_chances
from statetrail.recording.frames import Recording
from studies.simulation import Variation, draw, tables


@pytest.mark.parametrize("timeouts", [1.005, 1.5, 2.25, 3.5])
def test_the_chances_are_those_of_uses_dropped_at_random(timeouts: float) -> None:
    """How often no piece is longer than the timeout, of so many idle times."""
    random, draws = np.random.default_rng(7), 20_000
    step = round((timeouts - 1) * 200)
    for share, survival, ends in zip(SHARES, *np.exp(log_chances()[:, :, step]), strict=True):
        missed = random.geometric(1 - share, draws) - 1
        dropped = random.uniform(0, timeouts, (draws, MOST))
        survived = 0
        for count in range(1, MOST + 1):
            some = np.sort(dropped[missed == count][:, :count], axis=1)
            outermost = np.zeros((len(some), 1)), np.full((len(some), 1), timeouts)
            pieces = np.diff(np.hstack([outermost[0], some, outermost[1]]), axis=1)
            survived += np.count_nonzero(pieces.max(axis=1) < 1)
        assert survival == pytest.approx(survived / draws, abs=4 * np.sqrt(0.25 / draws))
        assert survival + ends == pytest.approx(1)


@pytest.mark.parametrize("seed", [37, 86, 97])
def test_a_capture_with_holes_shows_no_grey_zone(seed: int) -> None:
    """A tenth of the uses is missing: the timeout is as sharp as it was."""
    capture = draw("idle", 100, seed, family="held-out", variation=Variation(uncaptured=0.1))
    (row,) = expiry(Recording(tables([capture.view]))).rows()
    limit = capture.truth.policy.idle_s
    assert row["policy"] in ("idle", "undetermined")
    assert row["idle_low_s"] < limit <= row["idle_high_s"]
