"""Chains: which tokens are of one session, and which requests are made in it.

Enters: a bucket, its rotations. Leaves: `Chains`, and the sessions that several clients hold.

What is one session?
    A rotation goes on with the session where the server renews a token that lives (`login`,
    `per-request`, `periodic`, `reissue`, `override`, `basket`), and begins another where the
    token was lost (`reset`, `idle`, `age`), left (`restart`) or the first one (`establish`). Of
    the rotations to a token the first decides. A session's name is its first token.

Which requests are made in it?
    Those whose response carries one of its tokens; where the response carries none, those that
    presented one: a request that found its session over was made in the new one. What an error
    issues is of nobody (rule L8). A session in which no request was made is left out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    chosen,
    run_begins,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, names_sessions
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.conformance.by_session.other_senders import held_by_others, shared_codes
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import tells
from statetrail.analyses.events.details import holds
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import (
    Lineage,
    lineage,
)
from statetrail.analyses.events.replacements import Replacements, replacements
from statetrail.analyses.lifetimes.declared import lost_from
from statetrail.analyses.sessions.aftermath import SessionRequests
from statetrail.analyses.sessions.joined import HeldSession
from statetrail.analyses.tokens.rotations import LOSSES, rotations

BREAKS: Final = (*LOSSES, "restart", "establish")
"""Causes of rotations that begin another session."""


@dataclass(frozen=True, slots=True)
class Chains:
    """The session of each value, and the requests that were made in them.

    Session `before` was followed directly by session `after`.
    """

    of_value: Ints
    before: Ints
    after: Ints
    requests: SessionRequests


@artifact(needs=(bucket, lineage, history, replacements, rotations, declarations), stored=True)
def chains(
    bucket: Bucket,
    lineage: Lineage,
    history: History,
    replacements: Replacements,
    rotations: pa.Table,
    declared: Declarations | None,
) -> Chains:
    """The sessions of a bucket."""
    breaks = holds(rotations["cause"], lambda cause: cause in BREAKS)
    if declared is not None:
        # What comes after a refusal of the old value is another session, also by a login.
        lost = np.append(lost_from(bucket, history, declared), FOREVER)[replacements.before]
        breaks |= lost <= bucket.exchanges.request_start[replacements.exchange]
    chain, before, after = _chains(bucket, replacements, breaks)
    requests = _requests(bucket, history, chain)
    requests = chosen(requests, _names_session(bucket, lineage)[requests.session])
    return Chains(chain, before, after, requests)


@artifact(needs=(bucket, lineage, chains, shared_codes))
def held_sessions(
    bucket: Bucket, lineage: Lineage, chains: Chains, shared: Ints
) -> list[HeldSession]:
    """The sessions of a bucket that other senders hold, too."""
    exchanges, requests, fingerprint = bucket.exchanges, chains.requests, bucket.values.fingerprint
    named = unique(chains.of_value[held_by_others(bucket, lineage, shared)])
    named = named[within(named, requests.session)]
    # All values and requests of each, those of one session together.
    value = np.flatnonzero(within(chains.of_value, named))
    value = value[np.argsort(chains.of_value[value], kind="stable")]
    row = np.flatnonzero(within(requests.session, named))
    row = row[np.argsort(requests.session[row], kind="stable")]
    values = np.split(fingerprint[value], np.searchsorted(chains.of_value[value], named)[1:])
    starts = exchanges.clock[exchanges.request_start[requests.exchange[row]]]
    several = np.split(starts, np.searchsorted(requests.session[row], named)[1:])
    found = []
    for session, own, times in zip(named.tolist(), values, several, strict=False):
        series = bucket.values.series[session]
        client, origin = bucket.clients[bucket.series_client[series]]
        found.append(
            HeldSession(
                (client, origin, *bucket.params[bucket.series_param[series]]),
                int(fingerprint[session]),
                frozenset(own.tolist()),
                tuple(times.tolist()),
            )
        )
    return found


def _chains(bucket: Bucket, replacements: Replacements, breaks: Bools) -> tuple[Ints, Ints, Ints]:
    """The session of each value, by its first token, and which sessions followed which: each pair.

    Following a chain is a walk, so it is plain Python, over the rotations of tokens only.
    """
    exchanges, fingerprint = bucket.exchanges, bucket.values.fingerprint
    own = np.flatnonzero(names_sessions(bucket)[bucket.series_param[replacements.series]])
    exchange, to = replacements.exchange[own], fingerprint[replacements.to[own]]
    own = own[np.lexsort((to, exchanges.id[exchange], exchanges.response_start[exchange]))]
    columns = (replacements.before, replacements.to, breaks)
    session = [NOTHING] * len(bucket.values)
    followed: list[tuple[int, int]] = []
    for old, new, ends in zip(*(column[own].tolist() for column in columns), strict=True):
        if old != NOTHING and session[old] == NOTHING:
            session[old] = old
        held = NOTHING if old == NOTHING else session[old]
        if session[new] == NOTHING:
            session[new] = new if ends or held == NOTHING else held
        if held not in (NOTHING, session[new]):
            followed.append((held, session[new]))
    chained = np.array(session, dtype=np.int64)
    before, after = np.array(followed, dtype=np.int64).reshape(-1, 2).T
    return np.where(chained == NOTHING, np.arange(len(chained)), chained), before, after


def _requests(bucket: Bucket, history: History, chain: Ints) -> SessionRequests:
    """The requests that carried tokens, each with the session that it was made in."""
    exchanges, count = bucket.exchanges, len(bucket.series_param)
    is_token = names_sessions(bucket)[bucket.series_param]
    of_issue = bucket.series_param[history.issues.series]
    counted = tells(bucket, history.issues.exchange, of_issue)
    issues = np.flatnonzero(is_token[history.issues.series] & counted)
    answered = pairs(history.issues.exchange[issues], history.issues.series[issues], count)
    session = chain[history.issues.value[issues]]
    # Of several values of one parameter any may count, but always the same.
    order = np.lexsort((bucket.values.fingerprint[session], answered))
    answered, session = answered[order], session[order]
    firsts = run_begins(answered)
    answered, session = answered[firsts], session[firsts]
    uses = np.flatnonzero(is_token[history.uses.series])
    presented = pairs(history.uses.exchange[uses], history.uses.series[uses], count)
    firsts = run_begins(presented) & (among(answered, presented) == NOTHING)
    made = np.concatenate([answered, presented[firsts]])
    session = np.concatenate([session, chain[history.uses.value[uses[firsts]]]])
    exchange, param = made // max(count, 1), bucket.series_param[made % max(count, 1)]
    endpoint, status = exchanges.endpoint[exchange], exchanges.status[exchange]
    writes = exchanges.writes[exchange]
    wrote, succeeded = writes & (status >= 200), (status >= 200) & (status < 300)
    # What sets the context of a cart puts nothing into it.
    cart = writes & (acting(bucket, "cart") & ~acting(bucket, "state_methods"))[endpoint, param]
    logout = exchanges.open[exchange] & acting(bucket, "logout")[endpoint, param]
    return SessionRequests(
        exchange,
        session,
        login=wrote & (status < 400) & acting(bucket, "login")[endpoint, param],
        cart=cart & succeeded,
        failed=cart & ~succeeded,
        settles=succeeded & (logout | (writes & acting(bucket, "order")[endpoint, param])),
    )


def _names_session(bucket: Bucket, lineage: Lineage) -> Bools:
    """The values of the parameter that names their session, of several keys that it has."""
    param = bucket.series_param[bucket.values.series]
    own: Bools = (lineage.of_value == NOTHING) | (param == param[lineage.of_value])
    return own
