"""Tested: what the uses of one parameter's tokens come to, for the inference of expiry.

Enters: trials, part by part. Leaves: `Tested`: of every token what it outlived and by when it had
ended, and all trials of some of the tokens.

What a limit can be follows from the first; which kind of limit it is, a few thousand tokens tell as
well as a million. So the trials are kept of as many tokens as have `SAMPLE` uses together, chosen
by a mix of their fingerprints: of all of them, unless the recording is very large.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Ints, chosen, concatenated
from statetrail.analyses.lifetimes.observations import Seen, Trials
from statetrail.analyses.lifetimes.outcomes import ENDED, LATE, SURVIVED, Series
from statetrail.expiry.late_use import PROMPT, LateUses

SAMPLE: Final = 8_000
"""Uses of which the trials are kept."""

_APART_US: Final = 5_000_000
"""No request takes longer."""
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Votes:
    """One entry per token: spans and times in microseconds, -1 where there are none.

    Attributes
    ----------
    token
        Its fingerprint.
    outlived_gap_us, outlived_age_us
        The longest that it surely survived.
    ended_gap_us, ended_age_us
        By what it had surely ended.
    survived, ended, excluded
        Numbers of uses.
    ended_by, ended_at_us
        The client whose use found it ended first, and the start of that request.
    """

    token: Ints
    outlived_gap_us: Ints
    outlived_age_us: Ints
    ended_gap_us: Ints
    ended_age_us: Ints
    survived: Ints
    ended: Ints
    excluded: Ints
    ended_by: Ints
    ended_at_us: Ints

    def __len__(self) -> int:
        return len(self.token)


@dataclass(frozen=True, slots=True)
class Tested:
    """What the uses of one parameter's tokens come to.

    Attributes
    ----------
    votes
        Of all tokens that were used.
    trials
        All trials of a sample of them; `Trials.token` is the fingerprint, `Trials.who` a number
        that tells clients apart.
    overlapping
        How often a token was still taken although its client had to know a newer one.
    late
        Uses of tokens after one that found them ended.
    """

    votes: Votes
    trials: Trials
    overlapping: int
    late: LateUses


_NONE: Final = np.zeros(0, dtype=np.int64)
_NO_TRIALS: Final = Trials(
    *(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE), _NONE > 0, *(_NONE, _NONE, _NONE, _NONE)
)


class Gathering:
    """Gathers the trials of each parameter's tokens, part by part.

    Parameters
    ----------
    holding
        The parameters that hold tokens: those of the result.
    """

    def __init__(self, holding: Iterable[Series]) -> None:
        self._of = {series: number for number, series in enumerate(sorted(holding))}
        self._votes = [[_votes(_NO_TRIALS, _NONE)] for _ in self._of]
        self._samples = [[_NO_TRIALS] for _ in self._of]
        self._below = np.full(len(self._of), 2**64 - 1, dtype=np.uint64)
        self._overlapping = np.zeros(len(self._of), dtype=np.int64)
        self._late = np.zeros((3, len(self._of)), dtype=np.int64)
        self._ages: list[list[Ints]] = [[_NONE] for _ in self._of]

    def add(self, told: Trials, tokens: Seen) -> None:
        """More trials, all those of their tokens."""
        fingerprint = tokens.fingerprint
        places = [self._of.get(name, NOTHING) for name in tokens.kinds]
        of = np.array(places, dtype=np.int64)[tokens.kind]
        votes = _votes(told, fingerprint)
        replaced = np.flatnonzero(told.replaced)
        replaced = replaced[told.outcome[replaced] == SURVIVED]
        self._overlapping += np.bincount(of[told.token[replaced]], minlength=len(self._of))
        *certain, overlapping, ages_us = _late(told, votes)
        for number, token in enumerate(certain):
            self._late[number] += np.bincount(of[token], minlength=len(self._of))
        for number in np.unique(of[overlapping]).tolist():
            self._ages[number].append(ages_us[of[overlapping] == number])
        sampled = _mixed(fingerprint) <= self._below[of]
        kept = chosen(told, sampled[told.token])
        named, kept_of = replace(kept, token=fingerprint[kept.token]), of[kept.token]
        used = votes.survived + votes.ended + votes.excluded > 0
        for number in np.unique(of).tolist():
            self._votes[number].append(chosen(votes, used & (of == number)))
            self._keep(number, chosen(named, kept_of == number))

    def _keep(self, number: int, more: Trials) -> None:
        self._samples[number].append(more)
        if sum(map(len, self._samples[number])) > 2 * SAMPLE:
            self._samples[number] = [self._sample(number)]

    def _sample(self, number: int) -> Trials:
        sample = concatenated(self._samples[number])
        if len(sample) > SAMPLE:
            mixed = _mixed(sample.token)
            # Whole tokens, so many that the last one brings them beyond the number.
            self._below[number] = np.partition(mixed, SAMPLE)[SAMPLE]
            sample = chosen(sample, mixed <= self._below[number])
        return sample

    def done(self) -> dict[Series, Tested]:
        """What it came to, by parameter."""
        return {
            series: Tested(
                concatenated(self._votes[n]),
                self._sample(n),
                int(self._overlapping[n]),
                self._after_end(n),
            )
            for series, n in self._of.items()
        }

    def _after_end(self, number: int) -> LateUses:
        accepted, refused, prompt = self._late[:, number].tolist()
        ages_s = np.concatenate(self._ages[number]) / 1e6
        return LateUses(accepted, refused, prompt, tuple(ages_s.tolist()))


def _late(told: Trials, votes: Votes) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Late uses of ended tokens: accepted, refused, refused soon, accepted while the end was found.

    As tokens, one entry a use; the last: how old each of the fourth was at least.
    """
    late = np.flatnonzero(told.excluded == LATE)
    late = late[told.request_start_us[late] > votes.ended_at_us[told.token[late]]]
    late = late[votes.ended_at_us[told.token[late]] >= 0]
    token = told.token[late]
    since = told.request_start_us[late] - votes.ended_at_us[token]
    refused, accepted = told.outcome[late] == ENDED, told.outcome[late] == SURVIVED
    soon = since <= PROMPT * votes.ended_age_us[token]
    # A use that overlapped the end may have been looked up before it. What its gap is uncertain by
    # is at least how long the exchange took that found the end.
    fatal = np.flatnonzero((told.excluded == NOTHING) & (told.outcome == ENDED))
    fatal = fatal[told.request_start_us[fatal] == votes.ended_at_us[told.token[fatal]]]
    took = np.full(len(votes), _APART_US, dtype=np.int64)
    took[told.token[fatal]] = told.idle_high_us[fatal] - told.idle_low_us[fatal]
    age = np.full(len(votes), NOTHING, dtype=np.int64)
    age[told.token[fatal]] = told.age_low_us[fatal]
    apart = told.replaced[late] | (since > took[token])
    close = accepted & ~apart
    ages_us = age[token[close]] + since[close]
    return token[accepted & apart], token[refused], token[refused & soon], token[close], ages_us


def _votes(told: Trials, fingerprint: Ints) -> Votes:
    count = len(fingerprint)
    counts = told.excluded == NOTHING
    places = np.flatnonzero(counts)
    survived = places[told.outcome[places] == SURVIVED]
    fatal = places[told.outcome[places] == ENDED]
    survivor = told.token[survived]
    first = np.full(count, len(told), dtype=np.int64)
    # The first of several ends is written last.
    by_time = fatal[np.argsort(told.request_start_us[fatal], kind="stable")][::-1]
    first[told.token[by_time]] = by_time
    over = first < len(told)

    def at_end(column: Ints) -> Ints:
        found = np.full(count, NOTHING, dtype=np.int64)
        found[over] = column[first[over]]
        return found

    def outlived(low: Ints) -> Ints:
        longest = np.full(count, NOTHING, dtype=np.int64)
        np.maximum.at(longest, survivor, low[survived])
        return longest

    def number(token: Ints) -> Ints:
        return np.bincount(token, minlength=count)

    return Votes(
        fingerprint,
        outlived(told.idle_low_us),
        outlived(told.age_low_us),
        at_end(told.idle_high_us),
        at_end(told.age_high_us),
        number(survivor),
        number(told.token[fatal]),
        number(told.token[~counts]),
        at_end(told.who),
        at_end(told.request_start_us),
    )


def _mixed(fingerprint: Ints) -> np.typing.NDArray[np.uint64]:
    mixed: np.typing.NDArray[np.uint64] = fingerprint.view(np.uint64) * _ODD
    return mixed ^ (mixed >> np.uint64(31))
