"""Token events: what happened to the tokens of a bucket, or to those of several together.

Enters: a bucket, the history of its values, its replacements and its lineage, and what became of
its uses. Leaves: `TokenEvents`, from which observations are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    chosen,
    concatenated,
    numbered,
    ranked,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import tells
from statetrail.analyses.events.details import extremes
from statetrail.analyses.events.history import History
from statetrail.analyses.events.lineage import Lineage, key_ranks
from statetrail.analyses.events.replacements import RESET, Replacements
from statetrail.analyses.lifetimes.logged_in import logged_in
from statetrail.analyses.lifetimes.outcomes import (
    SURVIVED,
    Outcomes,
    Series,
    series_names,
)

_MOMENTS = {"request_start", "response_start", "response_end"}


@dataclass(frozen=True, slots=True)
class TokenUses:
    """Uses of tokens, times as ranks.

    `sure`: the server surely accepted it; `replaced`: its client had to know of a newer one;
    `writes`: the request changes what it asks for; `login`: the token had logged in by then (1),
    had not (0), or that is not known (-1).
    """

    id: Ints
    client: Ints
    token: Ints
    request_start: Ints
    response_end: Ints
    outcome: Ints
    exclusion: Ints
    sure: Bools
    nothing_new: Bools
    logout: Bools
    replaced: Bools
    writes: Bools
    login: Ints


@dataclass(frozen=True, slots=True)
class TokenIssues:
    """Issues of tokens, times as ranks; `apart`: the request did not present the token."""

    token: Ints
    request_start: Ints
    response_start: Ints
    response_end: Ints
    apart: Bools


@dataclass(frozen=True, slots=True)
class TokenCuts:
    """Exchanges that replaced tokens, times as ranks."""

    token: Ints
    request_start: Ints
    id: Ints


@dataclass(frozen=True, slots=True)
class TokenEvents:
    """What happened to some tokens.

    `clients` has the (client, origin) that `TokenUses.client` is a place in; `kind`, a place in
    `kinds`, and `fingerprint` say what each token is; `session` is the fingerprint of the token
    that began its session (-1: no session keys), `appeared_us` when it was first seen;
    `clock` has the microseconds of each rank.
    """

    clients: Sequence[tuple[str, str]]
    kinds: Sequence[Series]
    kind: Ints
    fingerprint: Ints
    session: Ints
    appeared_us: Ints
    clock: Ints
    uses: TokenUses
    issues: TokenIssues
    cuts: TokenCuts


def token_events(
    bucket: Bucket,
    history: History,
    outcomes: Outcomes,
    replacements: Replacements,
    lineage: Lineage,
) -> TokenEvents:
    """What happened to the tokens of a bucket."""
    exchanges, values = bucket.exchanges, bucket.values
    names = series_names(bucket)
    kinds = {name: number for number, name in enumerate(dict.fromkeys(names))}
    kind = np.array([kinds[name] for name in names], dtype=np.int64)[values.series]
    held = np.flatnonzero(outcomes.holds[values.series])
    # Clients that share a token keep it alive for each other: it is one token.
    number, at = numbered(kind[held], values.fingerprint[held])
    token = np.full(len(values), NOTHING, dtype=np.int64)
    token[held] = number
    use = outcomes.use
    exchange = history.uses.exchange[use]
    uses = TokenUses(
        id=exchanges.id[exchange],
        client=exchanges.client[exchange],
        token=token[history.uses.value[use]],
        request_start=exchanges.request_start[exchange],
        response_end=exchanges.response_end[exchange],
        outcome=outcomes.outcome,
        exclusion=outcomes.exclusion,
        sure=(outcomes.outcome == SURVIVED) | history.uses.again[use],
        nothing_new=outcomes.nothing_new,
        logout=outcomes.logout,
        replaced=history.uses.late[use],
        writes=exchanges.writes[exchange],
        login=logged_in(bucket, history)[use],
    )
    issue = np.flatnonzero(outcomes.holds[history.issues.series])
    exchange = history.issues.exchange[issue]
    issues = TokenIssues(
        token=token[history.issues.value[issue]],
        request_start=exchanges.request_start[exchange],
        response_start=exchanges.response_start[exchange],
        response_end=exchanges.response_end[exchange],
        apart=~history.issues.presented[issue],
    )
    # Where a sender has several sessions at once, a session key is replaced by an answer to it
    # alone, not by the issue of another session's. (Else its sender left it for another one.)
    apart = (key_ranks(bucket) >= 0)[bucket.series_param] & _several(bucket, history, outcomes)
    cuts_off = ~apart[replacements.series] | (replacements.cause == RESET)
    cuts_off &= replacements.before >= 0
    param = bucket.series_param[replacements.series]
    cuts_off &= tells(bucket, replacements.exchange, param)
    cut = np.flatnonzero(cuts_off & outcomes.holds[replacements.series])
    exchange = replacements.exchange[cut]
    cuts = TokenCuts(
        token[replacements.before[cut]], exchanges.request_start[exchange], exchanges.id[exchange]
    )
    appeared = np.minimum(history.issued[held], history.used[held])
    known = np.minimum(appeared, len(exchanges.clock) - 1)
    tokens = (tuple(kinds), kind[held[at]], values.fingerprint[held[at]])
    sessions = _of_first(
        number,
        np.append(values.fingerprint, NOTHING)[lineage.of_value[held]],
        np.where(appeared < FOREVER, exchanges.clock[known], FOREVER),
    )
    return TokenEvents(bucket.clients, *tokens, *sessions, exchanges.clock, uses, issues, cuts)


def _of_first(token: Ints, session: Ints, appeared_us: Ints) -> tuple[Ints, Ints]:
    """Of entries of the same token, the session of the one that appeared first, and when."""
    order = np.argsort(appeared_us, kind="stable")[::-1]
    result = np.empty((2, int(token.max(initial=-1)) + 1), dtype=np.int64)
    # What is written last stays.
    result[:, token[order]] = session[order], appeared_us[order]
    return result[0], result[1]


def _several(bucket: Bucket, history: History, outcomes: Outcomes) -> Bools:
    """The series of which a value was first accepted between accepted uses of another."""
    use = outcomes.use[outcomes.outcome == SURVIVED]
    value, at = history.uses.value[use], bucket.exchanges.request_start[history.uses.exchange[use]]
    first, last = extremes(value, at, len(bucket.values))
    used = unique(value)
    series, first, last = bucket.values.series[used], first[used], last[used]
    order = np.lexsort((-last, first, series))
    series, first, last = series[order], first[order], last[order]
    # Series lie so far apart that the latest use so far is one of the same series.
    span = bucket.exchanges.span + 1
    latest = np.maximum.accumulate(series * span + last)
    several = np.zeros(len(bucket.series_client), dtype=np.bool_)
    several[series[1:][(series * span + first)[1:] < latest[:-1]]] = True
    return several


def split(events: TokenEvents, apart: Ints) -> tuple[TokenEvents, TokenEvents]:
    """The events of all tokens but those with these fingerprints, and of those."""
    shared = within(events.fingerprint, apart)
    alone, together = (
        replace(
            events,
            uses=chosen(events.uses, which[events.uses.token]),
            issues=chosen(events.issues, which[events.issues.token]),
            cuts=chosen(events.cuts, which[events.cuts.token]),
        )
        for which in (~shared, shared)
    )
    return alone, together


def joined(several: Sequence[TokenEvents]) -> TokenEvents:
    """The events of the same tokens by clients of several buckets."""
    kinds: dict[Series, int] = {}
    places = [[kinds.setdefault(k, len(kinds)) for k in events.kinds] for events in several]
    kind = np.concatenate(
        [np.array(p, dtype=np.int64)[e.kind] for p, e in zip(places, several, strict=True)]
    )
    fingerprint = np.concatenate([events.fingerprint for events in several])
    token, at = numbered(kind, fingerprint)
    first_token = np.cumsum([0, *(len(events.fingerprint) for events in several)])
    first_client = np.cumsum([0, *(len(events.clients) for events in several)])

    def all_of(name: str) -> list[Any]:
        """The uses, issues or cuts, tokens and clients renumbered, times in microseconds."""
        renumbered = []
        for number, events in enumerate(several):
            rows = getattr(events, name)
            change: dict[str, Ints] = {"token": token[rows.token + first_token[number]]}
            if name == "uses":
                change["client"] = rows.client + first_client[number]
            for moment in _MOMENTS & {field.name for field in fields(rows)}:
                change[moment] = events.clock[getattr(rows, moment)]
            renumbered.append(replace(rows, **change))
        return renumbered

    uses, issues, cuts = (concatenated(all_of(name)) for name in ("uses", "issues", "cuts"))
    ranks, clock = ranked(
        *(uses.request_start, uses.response_end),
        *(issues.request_start, issues.response_start, issues.response_end),
        cuts.request_start,
    )
    return TokenEvents(
        [client for events in several for client in events.clients],
        tuple(kinds),
        kind[at],
        fingerprint[at],
        *_of_first(
            token,
            np.concatenate([events.session for events in several]),
            np.concatenate([events.appeared_us for events in several]),
        ),
        clock,
        replace(uses, request_start=ranks[0], response_end=ranks[1]),
        replace(issues, request_start=ranks[2], response_start=ranks[3], response_end=ranks[4]),
        replace(cuts, request_start=ranks[5]),
    )
