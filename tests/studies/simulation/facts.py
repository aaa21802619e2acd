"""Fact tables as a recorder would have left them.

Enters: what proxies saw of simulated traffic. Leaves: Arrow tables of the catalogue's schema. Every
capture has a host of its own, so that one recording holds many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED, Table
from studies.simulation.tokens import Tape
from studies.simulation.visits import LOGOUT

START_US: Final = 1_750_032_000_000_000
"""Where simulated time begins: a midnight, UTC."""


class Param(NamedTuple):
    """A parameter, where its values are presented (`usage`), and issued (`channel`)."""

    dialect: str
    name: str
    usage: str
    priority: str
    channel: str


HOLDERS: Final = (
    Param("zest", "_session_token", "uriquery", "forced", "body"),
    Param("52eseller", "Ticket", "header", "forced", "header"),
    Param("52eseller", "VisitorId", "uriquery", "forced", "header"),
)
"""The parameters whose values can be tokens of a simulated server."""

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
class ProxyView:
    """What a proxy saw of a simulation, in the order of request starts.

    Attributes
    ----------
    key
        What tells this capture's values from those of others.
    holder
        Position in `HOLDERS`.
    request_start_us, response_start_us, response_end_us
        Start of the request, start and end of the response, since the simulation's start.
    client, agent
        The client's number, and which of the user agents it is.
    presented, issued
        Numbers of the values in the exchange; -1 for none.
    status, logout
        Status code; whether the request was one to log out.
    """

    key: int
    holder: int
    request_start_us: _Ints
    response_start_us: _Ints
    response_end_us: _Ints
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
        times = (tape.sent, tape.response_start, tape.ended)
        sent, response_start, ended = (
            edge(moments * 1e6).astype(np.int64) // grain_us * grain_us
            for edge, moments in zip(edges, times, strict=True)
        )
        issued = np.where(tape.new > 0, tape.issued, -1) if silent else tape.issued
        return cls(
            key=key,
            holder=holder,
            request_start_us=sent,
            response_start_us=response_start,
            response_end_us=ended,
            client=tape.client.astype(np.int64),
            agent=tape.kind.astype(np.int64),
            presented=tape.presented.astype(np.int64),
            issued=issued.astype(np.int64),
            status=np.where(tape.refused > 0, 401, 200),
            logout=tape.action == LOGOUT,
        )


def host(number: int) -> str:
    """The host of the capture at that place among those given to `tables`."""
    return f"world-{number}.example"


def origin(number: int) -> str:
    """The origin of that capture, as the analyses write it."""
    return f"https://{host(number)}"


def tables(views: Sequence[ProxyView]) -> dict[str, pa.Table]:
    """The fact tables of these captures, for `statetrail.recording.frames.Recording`.

    Exchanges are numbered from 1, capture by capture, in the order of request starts.
    """
    sizes = [len(view.request_start_us) for view in views]
    number = np.repeat(np.arange(len(views)), sizes)
    holder = np.repeat(np.array([view.holder for view in views], dtype=np.int64), sizes)
    key = np.repeat(np.array([view.key for view in views], dtype=np.int64), sizes)
    ids = np.arange(1, len(number) + 1)

    def flat(name: str) -> Any:
        return np.concatenate([getattr(view, name) for view in views] or [np.array([], np.int64)])

    presented, issued = flat("presented"), flat("issued")
    establishes = (presented < 0) & (holder == 0)
    # The value `1` asks for a session; it is none.
    shown = fingerprints(np.where(establishes, 0, key), presented)
    carried = np.flatnonzero(establishes | (presented >= 0))
    answered = np.flatnonzero(issued >= 0)
    issues = (ids[answered], holder[answered], fingerprints(key, issued)[answered])
    uses = (ids[carried], holder[carried], shown[carried])
    kind = pick(("value", "establish"), establishes[carried].astype(np.int64))
    filled = {
        EXCHANGES.name: _exchanges(ids, number, holder, flat),
        ISSUED.name: issued_rows(HOLDERS, *issues, length=32, alphabet="lower+digit"),
        PRESENTED.name: presented_rows(HOLDERS, *uses, kind=kind),
    }
    return {t.name: filled.get(t.name, t.arrow.empty_table()) for t in FACTS}


def _exchanges(ids: _Ints, number: _Ints, holder: _Ints, flat: Any) -> pa.Table:
    client, logout = flat("client"), flat("logout")
    v3 = np.where(holder == 0, 0, _PLACES + 1)
    place = v3 + np.where(logout, _PLACES, fingerprints(number, ids) % _PLACES)
    peers = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(_count(client))]
    names = ("request_start_us", "response_start_us", "response_end_us")
    return exchange_rows(
        ids,
        [START_US + flat(name) for name in names],
        pick(_PATHS, place),
        peer=pick(peers, client),
        user_agent=pick(_AGENTS, flat("agent")),
        method=pick(("GET", "POST"), logout.astype(np.int64)),
        host=pick([host(n) for n in range(_count(number))], number),
        status=flat("status"),
        dialects=pick([param.dialect for param in HOLDERS], holder),
    )


def exchange_rows(ids: _Ints, times: Sequence[_Ints], path: pa.Array, **given: _Column) -> pa.Table:
    """Table `exchanges`: `times` are those of request start, response start and response end."""
    usual = {"method": "GET", "scheme": "https", "port": 443, "http_version": "HTTP/1.1"}
    columns = {
        "exchange_id": ids,
        "flow_id": pa.array(ids).cast(pa.string()),
        "request_start_us": times[0],
        "request_end_us": times[0],
        "response_start_us": times[1],
        "response_end_us": times[2],
        "path": path,
        "endpoint": path,
        "notes": "",
    }
    return fill(EXCHANGES, len(ids), **usual | columns | given)


def issued_rows(
    params: Sequence[Param], ids: _Ints, which: _Ints, fingerprint: _Ints, **given: _Column
) -> pa.Table:
    """Table `issued`: one value an exchange, of the parameter at position `which`."""
    return fill(
        ISSUED,
        len(ids),
        usage=pick([param.usage for param in params], which),
        priority=pick([param.priority for param in params], which),
        channel=pick([param.channel for param in params], which),
        **_value_columns(params, ids, which, fingerprint) | given,
    )


def presented_rows(
    params: Sequence[Param], ids: _Ints, which: _Ints, fingerprint: _Ints, **given: _Column
) -> pa.Table:
    """Table `presented`: likewise."""
    channel = pick([param.usage for param in params], which)
    columns = _value_columns(params, ids, which, fingerprint)
    return fill(PRESENTED, len(ids), channel=channel, **columns | given)


def _value_columns(
    params: Sequence[Param], ids: _Ints, which: _Ints, fingerprint: _Ints
) -> dict[str, _Column]:
    return {
        "exchange_id": ids,
        "ordinal": 0,
        "dialect": pick([param.dialect for param in params], which),
        "param": pick([param.name for param in params], which),
        "fingerprint": fingerprint,
        "normal_fingerprint": fingerprint,
    }


def fill(table: Table, count: int, **given: _Column) -> pa.Table:
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


def pick(names: Sequence[str], which: _Ints) -> pa.Array:
    """The names at these positions."""
    return pa.array(names, pa.string()).take(pa.array(which))


def _count(numbers: _Ints) -> int:
    return int(numbers.max(initial=-1)) + 1


def fingerprints(key: _Ints, number: _Ints) -> _Ints:
    """The fingerprints of an owner's values, which are numbered."""
    return mix(key.astype(np.uint64) + number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def mix(x: npt.NDArray[np.uint64]) -> _Ints:
    """A 64-bit mix (splitmix64)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))).view(np.int64)
