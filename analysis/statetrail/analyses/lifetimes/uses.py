"""Uses: every presented use of a token as one observation of how long tokens live.

Enters: a bucket. Leaves: the table `USES`, one row per request and token presented, with what
became of the token and, in brackets, how long it had lain unused and how old it was; and the same
as arrays, for the inference.

The brackets: `statetrail.analyses.lifetimes.observations`. What became of the token, and which uses
are left out: `statetrail.analyses.lifetimes.outcomes`.

Clients of several buckets may share a token, and so keep it alive for each other. The uses of such
tokens are observed together, and then handed back to the buckets of their clients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import Ints, chosen, unique, within
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.clock_steps import ClockSteps, clock_steps
from statetrail.analyses.columnar.dialect_masks import secret
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import seconds, table, words
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.events.history import History, history
from statetrail.analyses.events.lineage import Lineage, lineage
from statetrail.analyses.events.replacements import Replacements, replacements
from statetrail.analyses.lifetimes.observations import Observations, observe
from statetrail.analyses.lifetimes.outcomes import (
    EXCLUDED,
    OUTCOMES,
    OriginTraits,
    Series,
    origin_traits,
    outcomes,
)
from statetrail.analyses.lifetimes.tables import USES
from statetrail.analyses.lifetimes.token_events import TokenEvents, joined, split, token_events
from statetrail.recording.frames import Recording

_SPANS = ("idle_low", "idle_high", "age_low", "age_high")


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Some tokens with the observations of their uses.

    `clients` has the (client, origin) that `Observations.client` is a place in; `kind`, a place in
    `kinds`, and `fingerprint` say what each token is.
    """

    clients: Sequence[tuple[str, str]]
    kinds: Sequence[Series]
    kind: Ints
    fingerprint: Ints
    observations: Observations

    @staticmethod
    def of(events: TokenEvents, traits: OriginTraits, steps: ClockSteps) -> "TokenUse":
        """The uses among the events."""
        observations = observe(events, traits.tick_us, steps)
        return TokenUse(events.clients, events.kinds, events.kind, events.fingerprint, observations)


@artifact(needs=(bucket,))
def _secrets(bucket: Bucket) -> Ints:
    hidden = secret(bucket)[bucket.series_param[bucket.values.series]]
    return unique(bucket.values.fingerprint[hidden])


@artifact(needs=(_secrets,), scope="whole")
def _in_several_buckets(_: Recording, secrets: Iterator[Ints]) -> Ints:
    """The fingerprints of secrets that are in several buckets."""
    every = np.sort(np.concatenate([*secrets]))
    return unique(every[1:][every[1:] == every[:-1]])


@artifact(
    needs=(bucket, history, replacements, lineage, origin_traits, _in_several_buckets, declarations)
)
def _split_events(
    bucket: Bucket,
    history: History,
    replacements: Replacements,
    lineage: Lineage,
    traits: OriginTraits,
    apart: Ints,
    declared: Declarations | None,
) -> tuple[TokenEvents, TokenEvents | None]:
    """The events of the tokens that are in this bucket only, and of the others."""
    each = outcomes(bucket, history, replacements, lineage, traits, declared)
    events = token_events(bucket, history, each, replacements, lineage)
    return split(events, apart) if len(apart) else (events, None)


@artifact(needs=(_split_events, origin_traits, clock_steps))
def observed(
    events: tuple[TokenEvents, TokenEvents | None], traits: OriginTraits, steps: ClockSteps
) -> TokenUse:
    """The uses of the tokens that are in this bucket only."""
    return TokenUse.of(events[0], traits, steps)


@artifact(needs=(_in_several_buckets, origin_traits, clock_steps), scope="whole")
def shared_observed(
    rec: Recording, apart: Ints, traits: OriginTraits, steps: ClockSteps
) -> TokenUse | None:
    """The uses of the tokens that are in several buckets."""
    if not len(apart):
        return None
    events = joined([shared for _, shared in _split_events(rec) if shared])
    return TokenUse.of(events, traits, steps)


@analysis(USES, needs=(bucket, observed, shared_observed))
def uses(bucket: Bucket, use: TokenUse, shared: TokenUse | None) -> pa.Table:
    """The uses of tokens, whether each survived, and how long it had lain unused and lived.

    Returns
    -------
    Frame
        `statetrail.analyses.lifetimes.tables.USES`. For thresholds take ``idle_low_s`` of the
        survived and ``idle_high_s`` of the ended ones, and the same for the age.
    """
    own = _table(use)
    if shared is None:
        return own
    return pa.concat_tables([own, _table(uses_in(bucket, shared))]).unify_dictionaries()


def uses_in(bucket: Bucket, shared: TokenUse) -> TokenUse:
    """The uses in a bucket, of those of the tokens that are in several."""
    # A bucket is judged once for each class of dialects.
    observations, judged = shared.observations, {dialect.name for dialect in bucket.dialects}
    own_kind = np.array([dialect in judged for _, dialect, _ in shared.kinds], dtype=np.bool_)
    here = within(observations.id, bucket.exchanges.id)
    here &= own_kind[shared.kind[observations.token]]
    return replace(shared, observations=chosen(observations, here))


def _table(use: TokenUse) -> pa.Table:
    observations = use.observations
    series, kind = use.kinds, use.kind[observations.token]
    spans = {name: getattr(observations, f"{name}_us") for name in _SPANS}
    return table(
        USES,
        {
            "exchange_id": observations.id,
            "client": words(observations.client, [client for client, _ in use.clients]),
            "origin": words(kind, [origin for origin, _, _ in series]),
            "dialect": words(kind, [dialect for _, dialect, _ in series]),
            "param": words(kind, [param for _, _, param in series]),
            "fingerprint": use.fingerprint[observations.token],
            "request_start_us": observations.request_start_us,
            "outcome": words(observations.outcome, OUTCOMES),
            "exclusion": words(observations.exclusion, EXCLUDED),
            **{f"{name}_s": seconds(span, span >= 0) for name, span in spans.items()},
        },
    )
