"""Faults that meet: a stop or a kill while the store is locked, full, frozen or without its log.

What clients have seen is stored, spilled and taken in at the next start, or noted. These are the
meetings of `make crash`.
"""

import tempfile
from pathlib import Path

from studies.attack.outcome import Outcome
from studies.crash.run import Trials, answer, meetings
from support.proxy import origin


def run(_seed: int) -> Outcome:
    """Each meeting once, with the next start after it."""
    outcome = Outcome()
    with origin(answer) as upstream, tempfile.TemporaryDirectory() as folder:
        trials = Trials(upstream)
        meetings(trials, Path(folder))
    outcome.tried = trials.tried
    if trials.bad:
        outcome.wrong.append(f"{trials.bad} of the lines above")
    return outcome
