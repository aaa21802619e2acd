"""Summaries: what the uses of one parameter's tokens come to, for the inference of expiry.

Enters: observations, bucket by bucket. Leaves: `SeriesSummary`: of every token what it outlived and
by when it had ended, and all observations of some of the tokens; and the tallies and gaps of all
uses.

What a limit can be follows from the first; which kind of limit it is, a few thousand tokens tell as
well as a million. So the observations are kept of as many tokens as have `SAMPLE` uses together,
chosen by a mix of their fingerprints: of all of them, unless the recording is very large.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    chosen,
    concatenated,
    mixed,
    unique,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.lifetimes.declared_lifetimes import (
    DeclaredLifetimes,
    declared_lifetimes,
)
from statetrail.analyses.lifetimes.gaps import GAPS, gaps_of, united_gaps
from statetrail.analyses.lifetimes.observations import Observations
from statetrail.analyses.lifetimes.outcomes import (
    ENDED,
    LATE,
    SURVIVED,
    OriginTraits,
    Series,
    origin_traits,
)
from statetrail.analyses.lifetimes.uses import TokenUse, observed, shared_observed, uses_in
from statetrail.analyses.tallies.tally import Tallies
from statetrail.analyses.tallies.use_tallies import (
    USE_TALLIES,
    after_logouts,
    tallies_of,
)
from statetrail.expiry.late_use import PROMPT, LateUses
from statetrail.recording.frames import Recording

SAMPLE: Final = 8_000
"""Uses of which the observations are kept."""

_LONGEST_US: Final = 5_000_000
"""No request takes longer."""


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """One entry per token: spans and times in microseconds, -1 where there are none.

    Attributes
    ----------
    token
        Its fingerprint.
    outlived_idle_us, outlived_age_us
        The longest that it surely survived.
    ended_idle_us, ended_age_us
        By what it had surely ended.
    survived, ended, excluded
        Numbers of uses.
    ended_by, ended_at_us
        The client whose use found it ended first, and the start of that request.
    session
        Its session, as in `Observations`; where there is none, the client's number.
    """

    token: Ints
    outlived_idle_us: Ints
    outlived_age_us: Ints
    ended_idle_us: Ints
    ended_age_us: Ints
    survived: Ints
    ended: Ints
    excluded: Ints
    ended_by: Ints
    ended_at_us: Ints
    session: Ints

    def __len__(self) -> int:
        return len(self.token)


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What the uses of one parameter's tokens come to.

    Attributes
    ----------
    tokens
        All tokens that were used.
    sample
        All observations of a sample of them; `Observations.token` is the fingerprint,
        `Observations.client` a number that tells clients apart.
    overlapping
        How often a token was still taken although its client had to know a newer one.
    late
        Uses of tokens after one that found them ended.
    """

    tokens: TokenSummary
    sample: Observations
    overlapping: int
    late: LateUses


type Clients = Sequence[tuple[str, str]]
"""(client, origin), which clients are places in."""

_NONE: Final = np.zeros(0, dtype=np.int64)
_UNSEEN: Final = Observations(
    *(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE),
    _NONE > 0,
    *(_NONE, _NONE, _NONE, _NONE, _NONE),
    _NONE > 0,
    _NONE,
)


class _OfBucket(NamedTuple):
    """What the uses in a bucket come to, all of it made while they are there."""

    clients: Clients
    summaries: dict[Series, SeriesSummary]
    tallies: pa.Table
    gaps: pa.Table


class _OfUses(NamedTuple):
    """The same of all buckets."""

    summaries: dict[Series, SeriesSummary]
    tallies: pa.Table
    gaps: pa.Table


@artifact(
    reads={"exchanges": ("exchange_id", "response_end_us")},
    needs=(bucket, observed, shared_observed, declared_lifetimes),
)
def _of_bucket(
    facts: Mapping[str, Any],
    bucket: Bucket,
    use: TokenUse,
    shared: TokenUse | None,
    lifetimes: DeclaredLifetimes,
) -> _OfBucket:
    found = list(tallies_of(use, lifetimes))
    if bucket.declared:
        several = [use] if shared is None else [use, uses_in(bucket, shared)]
        found += [after_logouts(facts["exchanges"], bucket, each) for each in several]
    return _OfBucket(use.clients, _summarised(use), pa.concat_tables(found), gaps_of(use))


@artifact(needs=(_of_bucket, origin_traits, shared_observed, declared_lifetimes), scope="whole")
def _of_uses(
    _: Recording,
    several: Iterator[_OfBucket],
    traits: OriginTraits,
    shared: TokenUse | None,
    lifetimes: DeclaredLifetimes,
) -> _OfUses:
    tallies, gaps = Tallies(), [] if shared is None else [gaps_of(shared)]

    def counted() -> Iterator[tuple[Clients, dict[Series, SeriesSummary]]]:
        for each in several:
            tallies.add(each.tallies)
            gaps.append(each.gaps)
            yield each.clients, each.summaries
        if shared is not None:
            tallies.add(pa.concat_tables(tallies_of(shared, lifetimes)))
            yield shared.clients, _summarised(shared)

    return _OfUses(_summed(counted(), traits), tallies.rows, united_gaps(gaps))


@artifact(needs=(_of_uses,), scope="whole")
def summaries(_: Recording, of_uses: _OfUses) -> dict[Series, SeriesSummary]:
    """What the uses of each parameter's tokens come to, by (origin, dialect, param)."""
    return of_uses.summaries


@analysis(USE_TALLIES, needs=(_of_uses,), scope="whole", audited=True)
def use_tallies(_: Recording, of_uses: _OfUses) -> pa.Table:
    """The tallies of all uses."""
    return of_uses.tallies


@analysis(GAPS, needs=(_of_uses,), scope="whole", audited=True)
def gaps(_: Recording, of_uses: _OfUses) -> pa.Table:
    """The gaps before all uses."""
    return of_uses.gaps


def _summed(
    several: Iterator[tuple[Clients, dict[Series, SeriesSummary]]], traits: OriginTraits
) -> dict[Series, SeriesSummary]:
    tokens: dict[Series, list[TokenSummary]] = {series: [] for series in sorted(traits.holding)}
    samples: dict[Series, list[Observations]] = {series: [] for series in tokens}
    overlapping, late = dict.fromkeys(tokens, 0), dict.fromkeys(tokens, LateUses())
    numbers: dict[tuple[str, str], int] = {}
    for clients, of_series in several:
        number = [numbers.setdefault(client, len(numbers)) for client in clients]
        client = np.array([*number, NOTHING], dtype=np.int64)
        for series, summary in of_series.items():
            of_tokens, sample = summary.tokens, summary.sample
            tokens[series].append(_numbered(of_tokens, client[of_tokens.ended_by]))
            samples[series].append(_numbered(sample, client[sample.client]))
            if sum(map(len, samples[series])) > 2 * SAMPLE:
                samples[series] = [_sample(concatenated(samples[series]))]
            overlapping[series] += summary.overlapping
            late[series] = _sum(late[series], summary.late)
    none = _token_summary(_UNSEEN, _NONE)
    return {
        series: SeriesSummary(
            concatenated([none, *tokens[series]]),
            _sample(concatenated([_UNSEEN, *samples[series]])),
            overlapping[series],
            late[series],
        )
        for series in tokens
    }


def _numbered[T: (TokenSummary, Observations)](rows: T, client: Ints) -> T:
    """The rows with these numbers of clients, which stand for sessions where there are none."""
    session = np.where(rows.session == NOTHING, client, rows.session)
    if isinstance(rows, Observations):
        return replace(rows, client=client, session=session)
    return replace(rows, ended_by=client, session=session)


def _summarised(use: TokenUse) -> dict[Series, SeriesSummary]:
    """What uses come to, all those of their tokens; clients are places in `TokenUse.clients`."""
    uses, fingerprint = use.observations, use.fingerprint
    tokens = _token_summary(uses, fingerprint)
    used = tokens.survived + tokens.ended + tokens.excluded > 0
    replaced = uses.token[uses.replaced & (uses.outcome == SURVIVED)]
    *late, overlapping, ages_us = _late(uses, tokens)
    named = replace(uses, token=fingerprint[uses.token])
    summaries = {}
    for kind in unique(use.kind).tolist():
        own = use.kind == kind
        ages_s = ages_us[own[overlapping]] / 1e6
        accepted, refused, prompt = (int(np.count_nonzero(own[token])) for token in late)
        summaries[use.kinds[kind]] = SeriesSummary(
            chosen(tokens, used & own),
            _sample(named, own[uses.token]),
            int(np.count_nonzero(own[replaced])),
            LateUses(accepted, refused, prompt, tuple(ages_s.tolist())),
        )
    return summaries


def _sum(one: LateUses, other: LateUses) -> LateUses:
    return LateUses(
        one.accepted + other.accepted,
        one.refused + other.refused,
        one.prompt + other.prompt,
        one.overlapping_s + other.overlapping_s,
    )


def _sample(uses: Observations, which: Bools | None = None) -> Observations:
    """All of these uses of so many tokens that the last one brings them to `SAMPLE` or beyond."""
    own = np.ones(len(uses), dtype=np.bool_) if which is None else which
    if np.count_nonzero(own) <= SAMPLE:
        return chosen(uses, own)
    mix = mixed(uses.token)
    return chosen(uses, own & (mix <= np.partition(mix[own], SAMPLE)[SAMPLE]))


def _late(uses: Observations, tokens: TokenSummary) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Late uses of ended tokens: accepted, refused, refused soon, accepted while the end was found.

    As tokens, one entry a use; the last: how old each of the fourth was at least.
    """
    late = np.flatnonzero(uses.exclusion == LATE)
    late = late[uses.request_start_us[late] > tokens.ended_at_us[uses.token[late]]]
    late = late[tokens.ended_at_us[uses.token[late]] >= 0]
    token = uses.token[late]
    since = uses.request_start_us[late] - tokens.ended_at_us[token]
    refused, accepted = uses.outcome[late] == ENDED, uses.outcome[late] == SURVIVED
    soon = since <= PROMPT * tokens.ended_age_us[token]
    # A use that overlapped the end may have been looked up before it. What its idle time is
    # uncertain by is at least how long the exchange took that found the end.
    fatal = np.flatnonzero((uses.exclusion == NOTHING) & (uses.outcome == ENDED))
    fatal = fatal[uses.request_start_us[fatal] == tokens.ended_at_us[uses.token[fatal]]]
    duration = np.full(len(tokens), _LONGEST_US, dtype=np.int64)
    duration[uses.token[fatal]] = uses.idle_high_us[fatal] - uses.idle_low_us[fatal]
    age = np.full(len(tokens), NOTHING, dtype=np.int64)
    age[uses.token[fatal]] = uses.age_low_us[fatal]
    apart = uses.replaced[late] | (since > duration[token])
    close = accepted & ~apart
    ages_us = age[token[close]] + since[close]
    return token[accepted & apart], token[refused], token[refused & soon], token[close], ages_us


def _token_summary(uses: Observations, fingerprint: Ints) -> TokenSummary:
    """What the uses of each token say, in the order of the tokens."""
    count = len(fingerprint)
    counts = uses.exclusion == NOTHING
    places = np.flatnonzero(counts)
    survived = places[uses.outcome[places] == SURVIVED]
    fatal = places[uses.outcome[places] == ENDED]
    survivor = uses.token[survived]
    first = np.full(count, len(uses), dtype=np.int64)
    # The first of several ends is written last.
    by_time = fatal[np.argsort(uses.request_start_us[fatal], kind="stable")][::-1]
    first[uses.token[by_time]] = by_time
    over = first < len(uses)

    def at_end(column: Ints) -> Ints:
        values = np.full(count, NOTHING, dtype=np.int64)
        values[over] = column[first[over]]
        return values

    def outlived(low: Ints) -> Ints:
        longest = np.full(count, NOTHING, dtype=np.int64)
        np.maximum.at(longest, survivor, low[survived])
        return longest

    def number(token: Ints) -> Ints:
        return np.bincount(token, minlength=count)

    return TokenSummary(
        fingerprint,
        outlived(uses.idle_low_us),
        outlived(uses.age_low_us),
        at_end(uses.idle_high_us),
        at_end(uses.age_high_us),
        number(survivor),
        number(uses.token[fatal]),
        number(uses.token[~counts]),
        at_end(uses.client),
        at_end(uses.request_start_us),
        at_end(uses.session),
    )
