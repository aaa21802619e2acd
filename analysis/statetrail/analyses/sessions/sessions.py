"""Sessions: chains of a client's tokens that share carts and logins, and what a lost one cost.

Enters: a recording. Leaves: the table `SESSIONS`, one row per client, origin and chain of tokens
of a parameter whose values the server issues alone (`Param.minted`). Of several keys of one session
(a ticket and an authentication that one login issued) the one that names it counts. Which tokens
are of one session, and which requests are made in it: `statetrail.analyses.sessions.chains`.

How it ended
    As its newest token did: the one that was last issued.

What it cost
    A session is lost when its end is a reset, a rejection or a restart. Lost with it are the cart
    writes (not removals, nor what sets the context of a cart, nor, where a ticket is renewed, to a
    basket with a state of its own), except those that were followed by
    an order, by a logout, by a removal at the same path, or by as many removals as there were
    writes, and those before the client wrote a cart in a later session (rule L10: an ordered,
    emptied or refilled cart; after a logout it is the customer's). A login is lost
    when none of the sessions that followed directly has one: those that a rotation from one of its
    tokens led to. Where the capture ends first, that a cart was filled again may be unseen.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Ints,
    among,
    unique,
    within,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.coding import integers
from statetrail.analyses.columnar.dialect_masks import having_own_state, of_params
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table
from statetrail.analyses.conformance.by_session.other_senders import held_by_others, shared_codes
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details, aligned, extremes, holds
from statetrail.analyses.events.history import History, history
from statetrail.analyses.events.lineage import (
    Lineage,
    dialect_places,
    key_ranks,
    lineage,
)
from statetrail.analyses.exposure.shared import is_credential
from statetrail.analyses.sessions.aftermath import SessionRequests, followers_of, went_on
from statetrail.analyses.sessions.chains import Chains, chains, held_sessions
from statetrail.analyses.sessions.joined import HeldSession, joined
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.schema import Column, Table

LOST: Final = ("reset", "rejected", "restarted")
"""Ends of tokens by which carts and logins are lost."""

SESSION_COSTS: Final = Table(
    "session_costs",
    "one session, as in `sessions`",
    (
        *SESSIONS.columns,
        Column("ended_by", "int", "Exchange whose response began when it ended", "none"),
        Column("last_lost_write", "int", "Exchange of a lost cart write", "none"),
        Column(
            "went_on",
            "bool",
            "Its client alone held it, saw its end and went on; it neither logged in nor tried in "
            "vain to write a cart",
        ),
    ),
    SESSIONS.key,
)


@artifact(reads={"exchanges": ("exchange_id", "method", "path")})
def request_lines(facts: Details) -> Details:
    """The methods and paths of a bucket's requests."""
    return facts


@analysis(
    SESSION_COSTS,
    needs=(bucket, lineage, history, chains, tokens, request_lines, shared_codes),
    audited=True,
)
def session_costs(
    bucket: Bucket,
    lineage: Lineage,
    history: History,
    chains: Chains,
    tokens: pa.Table,
    details: Details,
    shared: Ints,
) -> pa.Table:
    """The sessions of a bucket, each with the last of the cart writes that were lost with it."""
    chain, requests = chains.of_value, chains.requests
    followers = followers_of(chains.before, chains.after)
    session, place = np.unique(requests.session, return_inverse=True)
    count, clock = len(session), bucket.exchanges.clock
    token = (history.issued < FOREVER) | (history.used < FOREVER)  # the rows of table `tokens`
    newest = _newest(bucket, history, chain, np.flatnonzero(token))[session]
    ended = tokens.take(pa.array((np.cumsum(token) - 1)[newest]))
    lost = holds(ended["end"], lambda end: end in LOST)
    start = bucket.exchanges.request_start[requests.exchange]
    first, last = extremes(place, start, count)
    logins = np.bincount(place[requests.login], minlength=count)
    logged_in = set(session[logins > 0].tolist())
    again = [not logged_in.isdisjoint(followers[name]) for name in session.tolist()]
    writes = _lost_writes(bucket, details["exchanges"], requests)
    writes = writes[lost[place[writes]]]
    _, last_write = extremes(place[writes], bucket.exchanges.id[requests.exchange[writes]], count)
    ended_by = _ended_by(bucket, history, bucket.values.series[session], _rank(bucket, ended))
    return table(
        SESSION_COSTS,
        {
            **of_series(bucket, bucket.values.series[session]),
            "session_fingerprint": bucket.values.fingerprint[session],
            "first_us": clock[first],
            "last_us": clock[last],
            "duration_s": seconds(clock[last] - clock[first], np.ones(count, dtype=np.bool_)),
            "longest_idle_s": _longest_idle(clock[start], place, count) / 1_000_000,
            "clients": np.ones(count, dtype=np.int64),
            "contexts": _contexts(bucket, requests, place, count),
            "tokens": np.bincount(chain[token], minlength=len(chain))[session],
            "requests": np.bincount(place, minlength=count),
            "cart_writes": np.bincount(place[requests.cart], minlength=count),
            "logins": logins,
            "end": ended["end"],
            "ended_at_us": ended["ended_at_us"],
            "cart_writes_lost": numbers(np.bincount(place[writes], minlength=count), lost),
            "login_lost": pa.array((logins > 0) & ~np.array(again, np.bool_), mask=~lost),
            "ended_by": numbers(ended_by, ended_by >= 0),
            "last_lost_write": numbers(last_write, last_write >= 0),
            "went_on": went_on(bucket, requests, session, _rank(bucket, ended), followers)
            & ~within(session, chain[held_by_others(bucket, lineage, shared)]),
        },
    )


@analysis(SESSIONS, needs=(session_costs, held_sessions), scope="whole")
def sessions(rec: Recording, costs: Frame, held: Iterator[list[HeldSession]]) -> Lazy:
    """The sessions: how long they were seen, what was done in them, how they ended, what it cost.

    Those that several clients hold are one row (`statetrail.analyses.sessions.joined`).

    Returns
    -------
    Frame
        `statetrail.analyses.sessions.tables.SESSIONS`.
    """
    return joined(rec, costs.lazy, [session for each in held for session in each])


def _newest(bucket: Bucket, history: History, chain: Ints, tokens: Ints) -> Ints:
    """The token of each session that was last issued, by the session."""
    issued = history.issued[tokens] < FOREVER
    moment = np.where(issued, history.reissued[tokens], history.used[tokens])
    newest = np.full(len(chain), NOTHING, dtype=np.int64)
    order = tokens[np.lexsort((-bucket.values.fingerprint[tokens], moment))]
    newest[chain[order]] = order
    return newest


def _lost_writes(bucket: Bucket, exchanges: pa.Table, requests: SessionRequests) -> Ints:
    """The cart writes that were neither ordered nor undone, nor repeated in a later session."""
    starts = bucket.exchanges.request_start[requests.exchange]
    undone: defaultdict[tuple[int, str | None], int] = defaultdict(lambda: NOTHING)
    ordered = np.flatnonzero(requests.settles)
    # An order or a logout settles every write of its session before it.
    for session, start in zip(
        requests.session[ordered].tolist(), starts[ordered].tolist(), strict=True
    ):
        undone[session, None] = max(start, undone[session, None])
    # A basket with a state of its own (S4) stays where a ticket is renewed; a visitor who gets
    # another id has lost it.
    credential = of_params(bucket, lambda param: param is not None and is_credential(param))
    param = bucket.series_param[bucket.values.series[requests.session]]
    apart = having_own_state(bucket)[bucket.exchanges.endpoint[requests.exchange], param]
    apart &= credential[param]
    cart = np.flatnonzero(requests.cart & ~apart)
    cart = cart[np.lexsort((bucket.exchanges.id[requests.exchange[cart]], starts[cart]))]
    rows = aligned(bucket, exchanges, requests.exchange[cart])
    columns = (cart, requests.session[cart], bucket.values.series[requests.session[cart]])
    writes = list(
        zip(
            *(column.tolist() for column in (*columns, starts[cart])),
            *(rows[name].to_pylist() for name in ("method", "path")),
            strict=True,
        )
    )
    items: defaultdict[int, int] = defaultdict(int)
    # Of each series the starts of its sessions' last cart writes, the last session at the end.
    filled: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for _, session, series, start, method, path in writes:
        items[session] += -1 if method == "DELETE" else 1
        if method == "DELETE":
            undone[session, path] = max(start, undone[session, path])
            if items[session] <= 0:
                undone[session, None] = max(start, undone[session, None])
                items[session] = 0
        else:
            filled[series].pop(session, None)
            filled[series][session] = start
    last = {series: list(sessions.items())[-2:] for series, sessions in filled.items()}
    lost = [
        row
        for row, session, series, start, method, path in writes
        if method != "DELETE"
        and start > max(undone[session, path], undone[session, None])
        and not any(other != session and at > start for other, at in last[series])
    ]
    return np.array(lost, dtype=np.int64)


def _rank(bucket: Bucket, ended: pa.Table) -> Ints:
    """When each ended, as a rank among the times of the bucket; -1: it is open."""
    clock, ended_us = bucket.exchanges.clock, integers(ended["ended_at_us"], missing=NOTHING)
    return np.where(ended_us == NOTHING, NOTHING, np.searchsorted(clock, ended_us))


def _ended_by(bucket: Bucket, history: History, series: Ints, rank: Ints) -> Ints:
    """The lowest exchange of each series whose response began at that rank of time; -1 for none."""
    exchanges, span = bucket.exchanges, bucket.exchanges.span
    wanted = unique(series[rank >= 0] * span + rank[rank >= 0])
    found = np.full(len(wanted) + 1, np.iinfo(np.int64).max)
    for rows in (history.issues, history.uses):
        place = among(wanted, rows.series * span + exchanges.response_start[rows.exchange])
        own = place != NOTHING
        np.minimum.at(found, place[own], exchanges.id[rows.exchange[own]])
    found[found == np.iinfo(np.int64).max] = NOTHING
    return found[np.where(rank >= 0, among(wanted, series * span + rank), NOTHING)]


def _longest_idle(start_us: Ints, place: Ints, count: int) -> Ints:
    """The longest pause between two requests of each session that follow each other."""
    order = np.lexsort((start_us, place))
    start_us, place = start_us[order], place[order]
    longest = np.zeros(count, dtype=np.int64)
    same = place[1:] == place[:-1]
    np.maximum.at(longest, place[1:][same], np.diff(start_us)[same])
    return longest


def _contexts(bucket: Bucket, requests: SessionRequests, place: Ints, count: int) -> Ints:
    """How many parameters besides keys each session was issued or presented."""
    dialect, is_key = dialect_places(bucket), key_ranks(bucket) >= 0
    width, params = len(bucket.dialects), max(len(bucket.params), 1)
    own = dialect[bucket.series_param[bucket.values.series[requests.session]]]
    made, at = np.unique(requests.exchange * width + own, return_index=True)
    pairs_ = []
    for shown in (bucket.issued, bucket.presented):
        param = bucket.series_param[shown.series]
        row = among(made, shown.exchange * width + dialect[param])
        of = (row >= 0) & ~is_key[param]
        pairs_.append(place[at[row[of]]] * params + param[of])
    return np.bincount(unique(np.concatenate(pairs_)) // params, minlength=count)
