"""Tables: worlds as the fact tables that a recorder would have left.

Enters: what proxies saw of worlds. Leaves: Arrow tables of the catalogue's schema. Every world is
a host of its own, so that one recording holds many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED, Table
from studies.simulation.simulate import Tape
from studies.simulation.traffic import LOGOUT

START_US: Final = 1_750_032_000_000_000
"""Where the worlds' time begins: a midnight, UTC."""

HOLDERS: Final = (
    ("zest", "_session_token", "uriquery", "body"),
    ("52eseller", "Ticket", "header", "header"),
    ("52eseller", "VisitorId", "uriquery", "header"),
)
"""Where values can be: dialect, parameter, the channel they are presented in, and issued in."""

_AGENTS: Final = ("shop-app/4.2", "stock-sync/1.0", "till/3.1")
_ZEST, _V3 = "/shop/API/V3", "/services/v3"
_PATHS: Final = (
    *(f"{_ZEST}/{name}" for name in ("Cart", "Product", "Order", "Logout")),
    *(f"{_V3}/{name}" for name in ("baskets", "products", "menus", "logout")),
)
_PLACES: Final = 3

type _Ints = npt.NDArray[np.int64]
type _Column = _Ints | pa.Array | str | int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proxy saw of a world, in the order in which requests were begun.

    Attributes
    ----------
    key
        What tells this world's values from those of others.
    holder
        Position in `HOLDERS`.
    sent_us, begun_us, ended_us
        Start of the request, start and end of the response, since the world's beginning.
    client, agent
        The client's number, and which of the user agents it is.
    presented, issued
        Numbers of the values in the exchange; -1 for none.
    status, logout
        Status code; whether the request was one to log out.
    """

    key: int
    holder: int
    sent_us: _Ints
    begun_us: _Ints
    ended_us: _Ints
    client: _Ints
    agent: _Ints
    presented: _Ints
    issued: _Ints
    status: _Ints
    logout: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, tape: Tape, *, key: int, holder: int, silent: bool, grain_us: int) -> Self:
        """What is to be seen of a tape.

        Parameters
        ----------
        tape, key, holder
            The simulated exchanges, and see above.
        silent
            A response says nothing of a value that it leaves as it is.
        grain_us
            The capture's clock readings are cut to multiples of this.
        """
        # The true moments lie within the readings, unless these are cut.
        edges = (np.floor, np.floor, np.ceil)
        sent, begun, ended = (
            edge(moments * 1e6).astype(np.int64) // grain_us * grain_us
            for edge, moments in zip(edges, (tape.sent, tape.begun, tape.ended), strict=True)
        )
        issued = np.where(tape.new > 0, tape.issued, -1) if silent else tape.issued
        return cls(
            key=key,
            holder=holder,
            sent_us=sent,
            begun_us=begun,
            ended_us=ended,
            client=tape.client.astype(np.int64),
            agent=tape.kind.astype(np.int64),
            presented=tape.presented.astype(np.int64),
            issued=issued.astype(np.int64),
            status=np.where(tape.refused > 0, 401, 200),
            logout=tape.deed == LOGOUT,
        )


def host(number: int) -> str:
    """The host of the world at that place among those given to `tables`."""
    return f"world-{number}.example"


def origin(number: int) -> str:
    """The origin of that world, as the analyses write it."""
    return f"https://{host(number)}"


def tables(worlds: Sequence[Seen]) -> dict[str, pa.Table]:
    """The fact tables of these worlds, for `statetrail.recording.frames.Recording`.

    Exchanges are numbered from 1, world by world, in the order in which they were begun.
    """
    sizes = [len(world.sent_us) for world in worlds]
    number = np.repeat(np.arange(len(worlds)), sizes)
    holder = np.repeat(np.array([w.holder for w in worlds], dtype=np.int64), sizes)
    key = np.repeat(np.array([w.key for w in worlds], dtype=np.int64), sizes)
    ids = np.arange(1, len(number) + 1)

    def flat(name: str) -> Any:
        return np.concatenate([getattr(w, name) for w in worlds] or [np.array([], np.int64)])

    presented, issued = flat("presented"), flat("issued")
    asks = (presented < 0) & (holder == 0)
    # The value `1` asks for a session; it is none.
    shown = np.where(asks, _hash(np.zeros_like(key), presented), _hash(key, presented))
    carried = np.flatnonzero(asks | (presented >= 0))
    answered = np.flatnonzero(issued >= 0)
    filled = {
        EXCHANGES.name: _exchanges(ids, number, holder, flat),
        ISSUED.name: _issued(ids[answered], holder[answered], _hash(key, issued)[answered]),
        PRESENTED.name: _presented(ids[carried], holder[carried], shown[carried], asks[carried]),
    }
    return {t.name: filled.get(t.name, t.arrow.empty_table()) for t in FACTS}


def _exchanges(ids: _Ints, number: _Ints, holder: _Ints, flat: Any) -> pa.Table:
    client, logout = flat("client"), flat("logout")
    v3 = np.where(holder == 0, 0, _PLACES + 1)
    place = v3 + np.where(logout, _PLACES, _hash(number, ids) % _PLACES)
    path = _named(_PATHS, place)
    peers = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(_count(client))]
    return _fill(
        EXCHANGES,
        len(ids),
        exchange_id=ids,
        flow_id=pa.array(ids).cast(pa.string()),
        request_start_us=START_US + flat("sent_us"),
        request_end_us=START_US + flat("sent_us"),
        response_start_us=START_US + flat("begun_us"),
        response_end_us=START_US + flat("ended_us"),
        peer=_named(peers, client),
        user_agent=_named(_AGENTS, flat("agent")),
        method=_named(("GET", "POST"), logout.astype(np.int64)),
        scheme="https",
        host=_named([host(n) for n in range(_count(number))], number),
        port=443,
        path=path,
        endpoint=path,
        status=flat("status"),
        http_version="HTTP/1.1",
        dialects=_named([h[0] for h in HOLDERS], holder),
        notes="",
    )


def _issued(ids: _Ints, holder: _Ints, fingerprint: _Ints) -> pa.Table:
    return _fill(
        ISSUED,
        len(ids),
        exchange_id=ids,
        ordinal=0,
        dialect=_named([h[0] for h in HOLDERS], holder),
        param=_named([h[1] for h in HOLDERS], holder),
        fingerprint=fingerprint,
        normal_fingerprint=fingerprint,
        usage=_named([h[2] for h in HOLDERS], holder),
        priority="forced",
        channel=_named([h[3] for h in HOLDERS], holder),
        length=32,
        alphabet="lower+digit",
    )


def _presented(
    ids: _Ints, holder: _Ints, fingerprint: _Ints, asks: npt.NDArray[np.bool_]
) -> pa.Table:
    return _fill(
        PRESENTED,
        len(ids),
        exchange_id=ids,
        ordinal=0,
        dialect=_named([h[0] for h in HOLDERS], holder),
        param=_named([h[1] for h in HOLDERS], holder),
        fingerprint=fingerprint,
        normal_fingerprint=fingerprint,
        channel=_named([h[2] for h in HOLDERS], holder),
        kind=_named(("value", "establish"), asks.astype(np.int64)),
    )


def _fill(table: Table, count: int, **given: _Column) -> pa.Table:
    """A table of the catalogue's schema: the given columns, constants, nulls for the rest."""
    columns = [
        value
        if isinstance(value := given.get(field.name), pa.Array)
        else pa.array(value, field.type)
        if isinstance(value, np.ndarray)
        else pa.repeat(pa.scalar(value, field.type), count)
        for field in table.arrow
    ]
    return pa.table(columns, schema=table.arrow)


def _named(names: Sequence[str], which: _Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(which))


def _count(numbers: _Ints) -> int:
    return int(numbers.max(initial=-1)) + 1


def _hash(key: _Ints, number: _Ints) -> _Ints:
    """A fingerprint: a 64-bit mix (splitmix64) of whose and which."""
    x = key.astype(np.uint64) + number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: _Ints = (x ^ (x >> np.uint64(31))).view(np.int64)
    return mixed
