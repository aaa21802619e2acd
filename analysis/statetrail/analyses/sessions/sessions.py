"""Sessions: chains of a client's tokens that share what hangs on them, and what a lost one cost.

Enters: a recording. Leaves: the table `SESSIONS`, one row per client, origin and chain of tokens
of a parameter whose values the server mints (`Param.minted`).

What is one session?
    A rotation goes on with the session where the server renews a token that lives (`login`,
    `per-request`, `periodic`, `reissue`, `override`, `basket`), and begins another where the
    token was lost (`reset`, `idle`, `age`), left (`restart`) or the first one (`establish`). Of
    the rotations to a token the first decides. A session's name is its first token.

Which requests are made in it?
    Those whose response carries one of its tokens; where the response carries none, those that
    presented one: a request that found its session over was made in the new one. A session in
    which no request was seen to be made is left out.

How it ended
    As its newest token did: the one that was last issued.

What it cost
    A session is lost when its end is a reset, a rejection or a restart. Lost with it are the cart
    writes (not removals) that no removal at the same path followed, and that the client did not
    repeat, with the same method and path, in a session that followed directly: one that a rotation
    from one of its tokens led to. A login is lost when none of those sessions has one. Where the
    capture ends first, a repetition may be unseen.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, run_begins
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.dialect_masks import acting, server_issued
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, seconds, table
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import Details, aligned, extremes, holds
from statetrail.analyses.events.history import History, history, pairs
from statetrail.analyses.events.replacements import Replacements, replacements
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

BREAKS: Final = (*LOSSES, "restart", "establish")
"""Causes of rotations that begin another session."""
LOST: Final = ("reset", "rejected", "restarted")
"""Ends of tokens that take along what hangs on them."""

# fmt: off

LOST_WRITES: Final = Table(
    "lost_writes", "one write to a cart that was lost with its session",
    (
        CLIENT, ORIGIN, DIALECT, PARAM, EXCHANGE,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("session_fingerprint", "fingerprint", "The session's name, as in `SESSIONS`"),
    ),
    ("exchange_id", "dialect", "param"),
)

# fmt: on

type Followers = Mapping[int, set[int]]
"""The sessions that followed each session directly."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The sessions of a bucket, and the cart writes that were lost with them.

    Attributes
    ----------
    session, newest
        Of each session its first token, which names it, and the one that was last issued, as
        places in `Bucket.values`.
    first, last
        The ranks of the starts of its first and last request.
    lost, login_lost
        Whether it was lost, and whether a login was lost with it.
    lost_write, lost_with
        The exchanges of the cart writes that were lost, and the places of their sessions here.
    """

    session: Ints
    newest: Ints
    tokens: Ints
    requests: Ints
    cart_writes: Ints
    logins: Ints
    first: Ints
    last: Ints
    lost: Bools
    login_lost: Bools
    lost_write: Ints
    lost_with: Ints


@dataclass(frozen=True, slots=True)
class _Requests:
    """The requests that were made in sessions (the first token of each), and what they did."""

    exchange: Ints
    session: Ints
    login: Bools
    cart: Bools


@artifact(
    reads={"exchanges": ("exchange_id", "method", "path")},
    needs=(bucket, history, replacements, tokens, rotations),
    stored=True,
)
def session_facts(
    details: Details,
    bucket: Bucket,
    history: History,
    replacements: Replacements,
    tokens: pa.Table,
    rotations: pa.Table,
) -> SessionFacts:
    """The sessions of a bucket."""
    breaks = holds(rotations["cause"], lambda cause: cause in BREAKS)
    session_of, followers = _chains(bucket, replacements, breaks)
    requests = _requests(bucket, history, session_of)
    session, place = np.unique(requests.session, return_inverse=True)
    count = len(session)
    token, newest = _newest(bucket, history, session_of)
    newest = newest[np.searchsorted(token, session)]
    ends = holds(tokens["end"], lambda end: end in LOST)
    lost = ends[_token_rows(history)[newest]]
    request_start = bucket.exchanges.request_start[requests.exchange]
    first, last = extremes(place, request_start, count)
    logins = np.bincount(place[requests.login], minlength=count)
    logged_in = set(session[logins > 0].tolist())
    repeated = [not logged_in.isdisjoint(followers[name]) for name in session.tolist()]
    written = _lost_writes(bucket, details["exchanges"], requests, followers)
    written = written[lost[place[written]]]
    return SessionFacts(
        session=session,
        newest=newest,
        tokens=np.bincount(session_of[_is_token(history)], minlength=len(session_of))[session],
        requests=np.bincount(place, minlength=count),
        cart_writes=np.bincount(place[requests.cart], minlength=count),
        logins=logins,
        first=first,
        last=last,
        lost=lost,
        login_lost=lost & (logins > 0) & ~np.array(repeated, dtype=np.bool_),
        lost_write=requests.exchange[written],
        lost_with=place[written],
    )


@analysis(SESSIONS, needs=(bucket, history, tokens, session_facts))
def sessions(bucket: Bucket, history: History, tokens: pa.Table, facts: SessionFacts) -> pa.Table:
    """The sessions: how long they were seen, what was done in them, how they ended, what it cost.

    Returns
    -------
    Frame
        `statetrail.analyses.sessions.tables.SESSIONS`.
    """
    clock, every = bucket.exchanges.clock, np.ones(len(facts.session), dtype=np.bool_)
    ended = tokens.take(pa.array(_token_rows(history)[facts.newest]))
    writes_lost = np.bincount(facts.lost_with, minlength=len(facts.session))
    return table(
        SESSIONS,
        {
            **of_series(bucket, bucket.values.series[facts.session]),
            "session_fingerprint": bucket.values.fingerprint[facts.session],
            "first_us": clock[facts.first],
            "last_us": clock[facts.last],
            "duration_s": seconds(clock[facts.last] - clock[facts.first], every),
            "tokens": facts.tokens,
            "requests": facts.requests,
            "cart_writes": facts.cart_writes,
            "logins": facts.logins,
            "end": ended["end"],
            "ended_at_us": ended["ended_at_us"],
            "cart_writes_lost": numbers(writes_lost, facts.lost),
            "login_lost": pa.array(facts.login_lost, mask=~facts.lost),
        },
    )


@analysis(LOST_WRITES, needs=(bucket, session_facts))
def lost_writes(bucket: Bucket, facts: SessionFacts) -> pa.Table:
    """The cart writes that were lost with their session: what ``cart_writes_lost`` counts."""
    session = facts.session[facts.lost_with]
    request_start = bucket.exchanges.request_start[facts.lost_write]
    return table(
        LOST_WRITES,
        {
            **of_series(bucket, bucket.values.series[session]),
            "session_fingerprint": bucket.values.fingerprint[session],
            "exchange_id": bucket.exchanges.id[facts.lost_write],
            "request_start_us": bucket.exchanges.clock[request_start],
        },
    )


def _is_token(history: History) -> Bools:
    """The values that the table of tokens has, in the same order."""
    return (history.issued < FOREVER) | (history.used < FOREVER)


def _token_rows(history: History) -> Ints:
    """The row of each value in the table of tokens."""
    return np.cumsum(_is_token(history)) - 1


def _chains(bucket: Bucket, replacements: Replacements, breaks: Bools) -> tuple[Ints, Followers]:
    """The session of each value, by its first token, and which sessions followed which.

    Following a chain is a walk, so it is plain Python, over the rotations of tokens only.
    """
    exchanges, fingerprint = bucket.exchanges, bucket.values.fingerprint
    own = np.flatnonzero(server_issued(bucket)[bucket.series_param[replacements.series]])
    exchange, to = replacements.exchange[own], replacements.to[own]
    keys = (fingerprint[to], exchanges.id[exchange], exchanges.response_start[exchange])
    own = own[np.lexsort(keys)]
    columns = (replacements.before[own], replacements.to[own], breaks[own])
    session = [NOTHING] * len(bucket.values)
    followers: defaultdict[int, set[int]] = defaultdict(set)
    for old, new, ends in zip(*(column.tolist() for column in columns), strict=True):
        if old != NOTHING and session[old] == NOTHING:
            session[old] = old
        held = NOTHING if old == NOTHING else session[old]
        if session[new] == NOTHING:
            session[new] = new if ends or held == NOTHING else held
        if held not in (NOTHING, session[new]):
            followers[held].add(session[new])
    chained = np.array(session, dtype=np.int64)
    return np.where(chained == NOTHING, np.arange(len(chained)), chained), followers


def _requests(bucket: Bucket, history: History, session_of: Ints) -> _Requests:
    """The requests that carried tokens, each with the session that it was made in."""
    exchanges, count = bucket.exchanges, len(bucket.series_param)
    is_token = server_issued(bucket)[bucket.series_param]
    issues = np.flatnonzero(is_token[history.issues.series])
    answered = pairs(history.issues.exchange[issues], history.issues.series[issues], count)
    session = session_of[history.issues.value[issues]]
    # Of several values of one parameter any may count, but always the same.
    order = np.lexsort((bucket.values.fingerprint[session], answered))
    answered, session = answered[order], session[order]
    firsts = run_begins(answered)
    answered, session = answered[firsts], session[firsts]
    uses = np.flatnonzero(is_token[history.uses.series])
    presented = pairs(history.uses.exchange[uses], history.uses.series[uses], count)
    firsts = run_begins(presented) & (among(answered, presented) == NOTHING)
    made = np.concatenate([answered, presented[firsts]])
    session = np.concatenate([session, session_of[history.uses.value[uses[firsts]]]])
    exchange, param = made // max(count, 1), bucket.series_param[made % max(count, 1)]
    endpoint, status = exchanges.endpoint[exchange], exchanges.status[exchange]
    wrote = exchanges.writes[exchange] & (status >= 200)
    return _Requests(
        exchange,
        session,
        login=wrote & (status < 400) & acting(bucket, "login")[endpoint, param],
        cart=wrote & (status < 300) & acting(bucket, "cart")[endpoint, param],
    )


def _newest(bucket: Bucket, history: History, session_of: Ints) -> tuple[Ints, Ints]:
    """The sessions in order, and of each the token that was last issued."""
    tokens = np.flatnonzero(_is_token(history))
    issued = history.issued[tokens] < FOREVER
    moment = np.where(issued, history.reissued[tokens], history.used[tokens])
    session = session_of[tokens]
    order = np.lexsort((bucket.values.fingerprint[tokens], -moment, session))
    newest = order[run_begins(session[order])]
    return session[newest], tokens[newest]


def _lost_writes(
    bucket: Bucket, exchanges: pa.Table, requests: _Requests, followers: Followers
) -> Ints:
    """The cart writes that were neither undone nor repeated in a session that followed directly."""
    cart = np.flatnonzero(requests.cart)
    exchange = requests.exchange[cart]
    asked = aligned(bucket, exchanges, exchange)
    writes = list(
        zip(
            cart.tolist(),
            requests.session[cart].tolist(),
            bucket.exchanges.request_start[exchange].tolist(),
            asked["method"].to_pylist(),
            asked["path"].to_pylist(),
            strict=True,
        )
    )
    undone: dict[tuple[int, str], int] = {}
    for _, session, start, method, path in writes:
        if method == "DELETE":
            undone[session, path] = max(start, undone.get((session, path), start))
    done = {(session, method, path) for _, session, _, method, path in writes}
    lost = [
        row
        for row, session, start, method, path in writes
        if method != "DELETE"
        and start > undone.get((session, path), NOTHING)
        and not any((after, method, path) in done for after in followers[session])
    ]
    return np.array(lost, dtype=np.int64)
