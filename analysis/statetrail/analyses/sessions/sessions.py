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

from typing import Any, Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.events.actions import actions
from statetrail.analyses.events.values import SERIES, issues, presentations, seconds
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.rotations import LOSSES, rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

BREAKS: Final = (*LOSSES, "restart", "establish")
"""Causes of rotations that begin another session."""
LOST: Final = ("reset", "rejected", "restarted")
"""Ends of tokens that take along what hangs on them."""

VALUE: Final = (*SERIES, "fingerprint")
_SESSION: Final = (*SERIES, "session")


@analysis(SESSIONS, scope="whole")
def sessions(rec: Recording) -> Lazy:
    """The sessions: how long they were seen, what was done in them, how they ended, what it cost.

    Returns
    -------
    Frame
        `statetrail.analyses.sessions.tables.SESSIONS`.
    """
    return _sessions(rec)


def lost_writes(rec: Recording) -> Lazy:
    """The cart writes that were lost with their session: what ``cart_writes_lost`` counts.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``session_fingerprint``, ``exchange_id`` and ``asked_us``.
    """
    requests, follows = _made(rec)
    lost = sessions(rec).lazy.filter(~nw.col("cart_writes_lost").is_null())
    return (
        _unrepeated(requests, follows)
        .rename({"session": "session_fingerprint"})
        .join(lost.select(*SERIES, "session_fingerprint"), on=[*SERIES, "session_fingerprint"])
        .select(*SERIES, "session_fingerprint", "exchange_id", "asked_us")
    )


def _sessions(rec: Recording) -> Lazy:
    requests, follows = _made(rec)
    ended = _ended(rec, _chains(rec)[0])
    one = nw.col("exchange_id") * 0 + 1
    by = list(_SESSION)
    done = requests.with_columns(
        cart_writes=nw.when(nw.col("cart")).then(one).otherwise(0),
        logins=nw.when(nw.col("login")).then(one).otherwise(0),
    )
    summed = done.group_by(*by).agg(
        nw.col("cart_writes").sum(),
        nw.col("logins").sum(),
        requests=nw.col("exchange_id").count(),
        first_us=nw.col("asked_us").min(),
        last_us=nw.col("asked_us").max(),
    )
    repaired = (
        follows.join(
            done.filter(nw.col("login")).select(*SERIES, next_session="session").unique(),
            on=[*SERIES, "next_session"],
        )
        .group_by(*by)
        .agg(relogins=nw.col("next_session").count())
    )
    lost = nw.col("end").is_in(LOST)
    logged = nw.col("logins") > 0
    return (
        ended.join(summed, on=by)
        .join(_cart_losses(done, follows), on=by, how="left")
        .join(repaired, on=by, how="left")
        .with_columns(
            nw.col("cart_writes").cast(nw.Int64),
            nw.col("logins").cast(nw.Int64),
            duration_s=seconds(nw.col("last_us") - nw.col("first_us")),
            cart_writes_lost=nw.when(lost).then(nw.col("lost_writes").fill_null(0).cast(nw.Int64)),
            login_lost=nw.when(lost).then(logged & nw.col("relogins").is_null()),
        )
        .rename({"session": "session_fingerprint"})
        .select(*SESSIONS.names)
    )


def _made(rec: Recording) -> tuple[Lazy, Lazy]:
    """The requests with their sessions, and which sessions followed which; computed once."""

    def make() -> tuple[Lazy, Lazy]:
        chains, follows = _chains(rec)
        return rec.keep(_requests(rec, chains)), follows

    return rec.once("sessions.made", make)


def _minted(rec: Recording) -> pa.Table:
    rows = [
        {"dialect": dialect.name, "param": param.name}
        for dialect in rec.dialects
        for param in dialect.params
        if param.minted
    ]
    return pa.Table.from_pylist(
        rows, schema=pa.schema([("dialect", pa.string()), ("param", pa.string())])
    )


def _chains(rec: Recording) -> tuple[Lazy, Lazy]:
    """`_walk`, computed once."""
    return rec.once("sessions.chains", lambda: _walk(rec, rec.place(_minted(rec))))


def _walk(rec: Recording, minted: Lazy) -> tuple[Lazy, Lazy]:
    """Which session each token belongs to, and which sessions followed which.

    Following a chain is a walk, which no window can take: so plain Python, over the rotations of
    minted parameters only.

    Returns
    -------
    chains, follows
        `VALUE`, ``session``; and `_SESSION`, ``next_session``.
    """
    on = ["dialect", "param"]
    known = _rows(tokens(rec).lazy.select(*VALUE).join(minted, on=on))
    moved = _rows(
        rotations(rec)
        .lazy.join(minted, on=on)
        .select(
            *SERIES, "issued_at_us", "exchange_id", "from_fingerprint", "to_fingerprint", "cause"
        )
    )
    moved.sort(key=lambda row: (row["issued_at_us"], row["exchange_id"], row["to_fingerprint"]))
    session: dict[tuple[Any, ...], Any] = {}
    follows: set[tuple[Any, ...]] = set()
    for row in moved:
        series = tuple(row[name] for name in SERIES)
        before, to = row["from_fingerprint"], row["to_fingerprint"]
        held = None if before is None else session.setdefault((*series, before), before)
        goes_on = held is not None and row["cause"] not in BREAKS
        now = session.setdefault((*series, to), held if goes_on else to)
        if held is not None and now != held:
            follows.add((*series, held, now))
    chains = [
        [*key, session.get(key, key[-1])]
        for key in (tuple(row[name] for name in VALUE) for row in known)
    ]
    return (
        rec.place(_table((*VALUE, "session"), chains)),
        rec.place(_table((*_SESSION, "next_session"), sorted(follows))),
    )


def _table(names: tuple[str, ...], rows: list[Any]) -> pa.Table:
    layout = pa.schema([(n, pa.string() if n in SERIES else pa.int64()) for n in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=layout)


def _rows(lazy: Lazy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lazy.collect("pyarrow").to_native().to_pylist()
    return found


def _requests(rec: Recording, chains: Lazy) -> Lazy:
    """Each request with the session that it was made in, and what it did.

    Returns
    -------
    Lazy
        `_SESSION`, ``exchange_id``, ``asked_us``, ``method``, ``path``, ``login``, ``cart``.
    """
    columns = (*VALUE, "exchange_id", "asked_us", "rank")
    answer = nw.lit(-1, dtype=nw.Int64)  # before every value presented
    carried = nw.concat(
        [
            issues(rec).with_columns(rank=answer).select(*columns),
            presentations(rec).with_columns(rank=nw.col("ordinal")).select(*columns),
        ],
        how="vertical",
    ).join(chains, on=list(VALUE))
    one = [*SERIES, "exchange_id"]
    return (
        carried.filter(nw.col("rank") == nw.col("rank").min().over(*one))
        # A response that issues several values of one parameter: any of them, but always the same.
        .group_by(*one, "asked_us")
        .agg(nw.col("session").min())
        .join(
            rec.exchanges.lazy.select("exchange_id", "method", "path"),
            on="exchange_id",
        )
        .join(
            actions(rec).select("exchange_id", "dialect", "login", "cart"),
            on=["exchange_id", "dialect"],
            how="left",
        )
        .with_columns(nw.col("login").fill_null(False), nw.col("cart").fill_null(False))
    )


def _ended(rec: Recording, chains: Lazy) -> Lazy:
    """How each session ended: `_SESSION`, ``tokens``, ``ended``, ``ended_at_us``."""
    newest = nw.max_horizontal("last_issued_us", "first_presented_us")
    newest = nw.when(~nw.col("last_issued_us").is_null()).then("last_issued_us").otherwise(newest)
    lives = (
        tokens(rec)
        .lazy.join(chains, on=list(VALUE))
        .with_columns(newest=newest)
        .with_columns(tokens=nw.col("fingerprint").count().over(*_SESSION))
        .filter(nw.col("newest") == nw.col("newest").max().over(*_SESSION))
        .filter(nw.col("fingerprint") == nw.col("fingerprint").min().over(*_SESSION))
    )
    return lives.with_columns(nw.col("tokens").cast(nw.Int64)).select(
        *_SESSION, "tokens", "end", "ended_at_us"
    )


def _cart_losses(done: Lazy, follows: Lazy) -> Lazy:
    """How many cart writes were neither undone nor repeated: `_SESSION`, ``lost_writes``."""
    lost = _unrepeated(done, follows)
    return lost.group_by(*_SESSION).agg(lost_writes=nw.col("exchange_id").count())


def _unrepeated(done: Lazy, follows: Lazy) -> Lazy:
    """The cart writes that were neither undone nor repeated in a session that followed."""
    writes = done.filter(nw.col("cart"))
    removed = nw.col("method") == "DELETE"
    undone = (
        writes.filter(removed).group_by(*_SESSION, "path").agg(undone_us=nw.col("asked_us").max())
    )
    repeats = (
        follows.join(
            writes.select(*SERIES, "method", "path", next_session="session").unique(),
            on=[*SERIES, "next_session"],
        )
        .group_by(*_SESSION, "method", "path")
        .agg(repeats=nw.col("next_session").count())
    )
    stands = nw.col("undone_us").is_null() | (nw.col("asked_us") > nw.col("undone_us"))
    return (
        writes.filter(~removed)
        .join(undone, on=[*_SESSION, "path"], how="left")
        .join(repeats, on=[*_SESSION, "method", "path"], how="left")
        .filter(stands & nw.col("repeats").is_null())
    )
