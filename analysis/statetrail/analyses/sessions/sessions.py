"""Sessions: chains of a client's tokens that share carts and logins, and what a lost one cost.

Enters: a recording. Leaves: the table `SESSIONS`, one row per client, origin and chain of tokens
of a parameter whose values the server issues alone (`Param.minted`). Of several keys of one session
(a ticket and an authentication that one login issued) the one that names it counts.

What is one session?
    A rotation goes on with the session where the server renews a token that lives (`login`,
    `per-request`, `periodic`, `reissue`, `override`, `basket`), and begins another where the
    token was lost (`reset`, `idle`, `age`), left (`restart`) or the first one (`establish`). Of
    the rotations to a token the first decides. A session's name is its first token.

Which requests are made in it?
    Those whose response carries one of its tokens; where the response carries none, those that
    presented one: a request that found its session over was made in the new one. What an error
    issues is of nobody (rule L8). A session in which no request was made is left out.

How it ended
    As its newest token did: the one that was last issued.

What it cost
    A session is lost when its end is a reset, a rejection or a restart. Lost with it are the cart
    writes (not removals, nor what sets the context of a cart), except those that were followed by
    an order, by a logout, by a removal at the same path, or by as many removals as there were
    writes, and those before the client wrote a cart in a later session (rule L10: an ordered,
    emptied or refilled cart; after a logout it is the customer's). A login is lost
    when none of the sessions that followed directly has one: those that a rotation from one of its
    tokens led to. Where the capture ends first, that a cart was filled again may be unseen.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    chosen,
    run_begins,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.coding import integers
from statetrail.analyses.columnar.dialect_masks import acting, names_sessions
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table
from statetrail.analyses.conformance.by_session.other_senders import held_by_others, shared_codes
from statetrail.analyses.conformance.declared.declarations import Declarations, declarations
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.acceptance import tells
from statetrail.analyses.events.details import Details, aligned, extremes, holds
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.lineage import (
    Lineage,
    dialect_places,
    key_ranks,
    lineage,
)
from statetrail.analyses.events.replacements import Replacements, replacements
from statetrail.analyses.lifetimes.declared import lost_from
from statetrail.analyses.sessions.aftermath import SessionRequests, followers_of, went_on
from statetrail.analyses.sessions.joined import HeldSession, joined
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording
from statetrail.schema import Column, Table

BREAKS: Final = (*LOSSES, "restart", "establish")
"""Causes of rotations that begin another session."""
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
    exchanges, requests = bucket.exchanges, chains.requests
    named = np.unique(chains.of_value[held_by_others(bucket, lineage, shared)])
    named = named[np.isin(named, requests.session)]
    found = []
    for session in named.tolist():
        series = bucket.values.series[session]
        client, origin = bucket.clients[bucket.series_client[series]]
        rows = requests.exchange[requests.session == session]
        found.append(
            HeldSession(
                (client, origin, *bucket.params[bucket.series_param[series]]),
                int(bucket.values.fingerprint[session]),
                frozenset(bucket.values.fingerprint[chains.of_value == session].tolist()),
                tuple(exchanges.clock[exchanges.request_start[rows]].tolist()),
            )
        )
    return found


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
            & ~np.isin(session, chain[held_by_others(bucket, lineage, shared)]),
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
    cart = np.flatnonzero(requests.cart)
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
    wanted = np.unique(series[rank >= 0] * span + rank[rank >= 0])
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
    return np.bincount(np.unique(np.concatenate(pairs_)) // params, minlength=count)
