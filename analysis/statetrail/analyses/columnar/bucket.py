"""Parts: the facts of some clients as integer arrays, which the judging analyses work on.

Enters: the fact tables of a recording, or of one bucket of its clients, as Arrow. Leaves: a `Part`.
Names that repeat a million times are numbers here, times are ranks, and everything that has to be
sorted is sorted once. All rows of a client are in one part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    distinct,
    numbered,
    ordered,
    ranked,
    run_begins,
)
from statetrail.analyses.conformance.visibility import FOREVER, UNBOUND_METHODS, WRITES
from statetrail.dialects import Dialect
from statetrail.recording.frames import origin
from statetrail.schema import CLIENT_BY
from statetrail.store.parquet import client_names

type Words = npt.NDArray[np.int8]
"""Words from a short list, as numbers."""

HEADER, URIQUERY, IMPLICIT, MALFORMED = 0, 1, 2, 3
"""What an issue says of its usage."""
IN_HEADER, IN_QUERY = 1, 2
"""Where a value was presented."""
EMPTY, VALUE, ESTABLISH = 0, 1, 2
"""What was presented."""

_TIMES: Final = ("request_start_us", "request_end_us", "response_start_us", "response_end_us")
_ORIGIN: Final = ("scheme", "host", "port")
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "exchanges": ("exchange_id", *_TIMES, *_ORIGIN, "method", "endpoint", "status"),
    "issued": (
        *("exchange_id", "dialect", "param", "value", "fingerprint"),
        *("usage", "priority", "problem", "length", "alphabet"),
    ),
    "presented": (
        *("exchange_id", "ordinal", "dialect", "param", "value", "fingerprint"),
        *("channel", "kind"),
    ),
}
"""The columns that a part is made of, besides those that tell clients apart."""


@dataclass(frozen=True, slots=True)
class Exchanges:
    """The exchanges in order of (client, request start, id): a place is a client's moment, too.

    `who` is a place in `Part.clients`, `where` one in `Part.endpoints`. Times are ranks among all
    times of the part: `asked` (start of the request), `begun` and `ended` (of the response),
    `must` (end and grace period); `clock` has the microseconds of each rank, `FOREVER` of what did
    not end. `status` is 0 without a response; `open`: the method may carry state; `writes`: it
    changes what it asks for (`WRITES`).
    """

    id: Ints
    who: Ints
    where: Ints
    asked: Ints
    begun: Ints
    ended: Ints
    must: Ints
    clock: Ints
    status: Ints
    open: Bools
    writes: Bools

    def __len__(self) -> int:
        return len(self.id)

    @property
    def span(self) -> int:
        """More than any rank of a time."""
        return len(self.clock)


@dataclass(frozen=True, slots=True)
class Issued:
    """The values issued, malformed ones too: `ex` and `value` are places, `usage` as above."""

    ex: Ints
    value: Ints
    series: Ints
    usage: Words
    informational: Bools

    def __len__(self) -> int:
        return len(self.ex)


@dataclass(frozen=True, slots=True)
class Presented:
    """The values presented, in order of (exchange, series, ordinal)."""

    ex: Ints
    value: Ints
    series: Ints
    channel: Words
    kind: Words

    def __len__(self) -> int:
        return len(self.ex)


@dataclass(frozen=True, slots=True)
class Values:
    """The distinct values by series and fingerprint; -1 for a text or length that is not known."""

    series: Ints
    fingerprint: Ints
    text: Ints
    length: Ints
    alphabet: Ints

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True, slots=True)
class Part:
    """The facts of some clients; what is a place is one in the table of that name.

    Attributes
    ----------
    clients
        (client, origin) of each `Exchanges.who`: together with a parameter one *series*.
    endpoints
        (origin, endpoint) of each `Exchanges.where`.
    params
        (dialect, param) of each parameter.
    series_who, series_param
        Of each series. Series of one client are in the order of their parameters.
    texts
        The words that `Values.text` and `Values.alphabet` are places in.
    """

    exchanges: Exchanges
    issued: Issued
    presented: Presented
    values: Values
    clients: tuple[tuple[str, str], ...]
    endpoints: tuple[tuple[str, str], ...]
    params: tuple[tuple[str, str], ...]
    series_who: Ints
    series_param: Ints
    texts: tuple[str, ...]


def part_of(
    tables: Mapping[str, pa.Table],
    *,
    dialects: Sequence[Dialect],
    client_by: Sequence[str],
    grace_us: int,
) -> Part:
    """The part that these tables make; they have `COLUMNS` and those of `client_by`."""
    exchanges, clients, endpoints = _exchanges(tables["exchanges"], client_by, grace_us)
    by_id = np.argsort(exchanges.id)
    names = {dialect.name for dialect in dialects}
    params = {(d.name, param.name): 0 for d in dialects for param in d.params}
    params = {name: number for number, name in enumerate(params)}
    rows = [
        _sighted(tables[name], exchanges, by_id, params, names) for name in ("issued", "presented")
    ]
    who = np.concatenate([exchanges.who[ex] for _, ex, _ in rows])
    param = np.concatenate([number for _, _, number in rows])
    pairs, series = distinct(who * len(params) + param, len(clients) * len(params))
    fingerprint = np.concatenate([_ints(table["fingerprint"]) for table, _, _ in rows])
    value, at = numbered(series, fingerprint)
    cut = [len(rows[0][1])]
    texts: dict[str, int] = {}
    (issued, presented), values = _sightings(
        rows, np.split(series, cut), np.split(value, cut), (series[at], fingerprint[at]), texts
    )
    return Part(
        exchanges,
        issued,
        presented,
        values,
        clients,
        endpoints,
        tuple(params),
        pairs // max(len(params), 1),
        pairs % max(len(params), 1),
        tuple(texts),
    )


def _exchanges(
    table: pa.Table, client_by: Sequence[str], grace_us: int
) -> tuple[Exchanges, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    ids, asked_us = _ints(table["exchange_id"]), _ints(table["request_start_us"])
    begun = pc.coalesce(table["response_start_us"], table["request_end_us"])
    # A clock that was set back must not let a response begin before its request, nor end before
    # it began.
    begun_us = np.maximum(_ints(begun, missing=-FOREVER), asked_us)
    ended_us = np.maximum(_ints(table["response_end_us"], missing=FOREVER), begun_us)
    must_us = np.where(ended_us < FOREVER, ended_us + grace_us, FOREVER)
    (asked, begun_rank, ended, must), clock = ranked(asked_us, begun_us, ended_us, must_us)
    client = _named(
        table, [CLIENT_BY[name] for name in client_by], partial(client_names, client_by=client_by)
    )
    asked_of = _named(table, _ORIGIN, _origins)
    who, clients = _paired(client, asked_of)
    where, endpoints = _paired(asked_of, coded(table["endpoint"]))
    method, methods = coded(table["method"])
    of_method = [
        np.array([name in named for name in methods], dtype=np.bool_)[method]
        for named in (UNBOUND_METHODS, WRITES)
    ]
    status = _ints(table["status"], missing=0)
    order = ordered(who * len(clock) + asked, ids)
    unbound, writes = (told[order] for told in of_method)
    exchanges = Exchanges(
        id=ids[order],
        who=who[order],
        where=where[order],
        asked=asked[order],
        begun=begun_rank[order],
        ended=ended[order],
        must=must[order],
        clock=clock,
        status=status[order],
        open=~unbound,
        writes=writes,
    )
    return exchanges, clients, endpoints


def _sighted(
    table: pa.Table,
    exchanges: Exchanges,
    by_id: Ints,
    params: dict[tuple[str, str], int],
    dialects: set[str],
) -> tuple[pa.Table, Ints, Ints]:
    """The rows of known exchanges and dialects, the place of their exchange, their parameter."""
    pair, pairs = _paired(coded(table["dialect"]), coded(table["param"]))
    number = np.array(
        [params.setdefault(p, len(params)) if p[0] in dialects else NOTHING for p in pairs],
        dtype=np.int64,
    )[pair]
    ids = _ints(table["exchange_id"])
    begins = run_begins(ids)  # sightings of one exchange mostly come together
    place = among(exchanges.id[by_id], ids[begins])
    ex = np.append(by_id, NOTHING)[place][np.cumsum(begins) - 1]
    kept = (ex >= 0) & (number >= 0)
    if not kept.all():
        table, ex, number = table.filter(pa.array(kept)), ex[kept], number[kept]
    return table, ex, number


def _sightings(
    rows: list[tuple[pa.Table, Ints, Ints]],
    series: list[Ints],
    value: list[Ints],
    known: tuple[Ints, Ints],
    texts: dict[str, int],
) -> tuple[tuple[Issued, Presented], Values]:
    (issues, issue_ex, _), (shown, shown_ex, _) = rows
    usage = np.where(
        pc.is_null(issues["problem"]).to_numpy(),
        _words(issues["usage"], {"header": HEADER, "uriquery": URIQUERY}, IMPLICIT),
        np.int8(MALFORMED),
    )
    kind = _words(shown["kind"], {"value": VALUE, "establish": ESTABLISH}, EMPTY)
    ordinal = _ints(shown["ordinal"])
    issued = Issued(
        issue_ex,
        value[0],
        series[0],
        usage,
        _words(issues["priority"], {"informational": 1}, 0) == 1,
    )
    width = int(ordinal.max(initial=0)) + 1
    key = (shown_ex * max(len(known[0]), 1) + series[1]) * width + ordinal
    order = np.argsort(key, kind="stable")  # quick where they are in order already
    presented = Presented(
        shown_ex[order],
        value[1][order],
        series[1][order],
        _words(shown["channel"], {"header": IN_HEADER, "uriquery": IN_QUERY}, 0)[order],
        kind[order],
    )
    readable, used = usage != MALFORMED, kind == VALUE
    count = len(known[0])
    values = Values(
        *known,
        np.maximum(
            _largest(count, value[0], readable, _placed(issues["value"], texts)),
            _largest(count, value[1], used, _placed(shown["value"], texts)),
        ),
        _largest(count, value[0], readable, _ints(issues["length"])),
        _largest(count, value[0], readable, _placed(issues["alphabet"], texts)),
    )
    return (issued, presented), values


def _largest(count: int, value: Ints, which: Bools, told: Ints) -> Ints:
    """The largest thing that is told of each value, -1 for nothing."""
    largest = np.full(count, NOTHING, dtype=np.int64)
    if told.max(initial=NOTHING) > NOTHING:
        np.maximum.at(largest, value[which], told[which])
    return largest


def _placed(column: pa.ChunkedArray, texts: dict[str, int]) -> Ints:
    """The column's words as places in `texts`, where new ones are added; -1 for none."""
    code, words = coded(column)
    places = [NOTHING if word is None else texts.setdefault(word, len(texts)) for word in words]
    return np.array(places, dtype=np.int64)[code]


def _words(column: pa.ChunkedArray, numbers: Mapping[str, int], otherwise: int) -> Words:
    """The column's words as the numbers given."""
    code, words = coded(column)
    return np.array([numbers.get(word or "", otherwise) for word in words], dtype=np.int8)[code]


def _named(
    table: pa.Table, names: Sequence[str], name: Callable[[pa.Table], pa.Array | pa.ChunkedArray]
) -> tuple[Ints, list[Any]]:
    """A name made of some columns, coded: it is made once for each distinct row of them."""
    columns = [coded(table[column]) for column in names]
    code, numbers = _combined(columns)
    rows = pa.table(
        [
            pa.array([words[n] for n in row], pa.int64() if column == "port" else pa.string())
            for column, (_, words), row in zip(names, columns, numbers, strict=True)
        ],
        names=list(names),
    )
    places: dict[Any, int] = {}
    place = [places.setdefault(word, len(places)) for word in name(rows).to_pylist()]
    return np.array(place, dtype=np.int64)[code], list(places)


def _origins(rows: pa.Table) -> pa.Array:
    columns = (rows[name].to_pylist() for name in _ORIGIN)
    return pa.array([origin(*row) for row in zip(*columns, strict=True)], pa.string())


def _paired(
    first: tuple[Ints, list[Any]], second: tuple[Ints, list[Any]]
) -> tuple[Ints, tuple[tuple[Any, Any], ...]]:
    """The pairs of two coded columns: their numbers, and what each number stands for."""
    code, (one, two) = _combined([first, second])
    return code, tuple((first[1][a], second[1][b]) for a, b in zip(one, two, strict=True))


def _combined(columns: Sequence[tuple[Ints, list[Any]]]) -> tuple[Ints, list[list[int]]]:
    """The distinct rows of coded columns: each row's number, and the codes of each number."""
    code, rows = columns[0][0], [list(range(len(columns[0][1])))]
    for codes, words in columns[1:]:
        width = max(len(words), 1)
        keys, code = distinct(code * width + codes, len(rows[0]) * width)
        left, right = (keys // width).tolist(), (keys % width).tolist()
        rows = [[row[n] for n in left] for row in rows] + [right]
    return code, rows


def coded(column: pa.ChunkedArray) -> tuple[Ints, list[Any]]:
    """A column as places in the list of its distinct entries; null is the last of them."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], column.type)
    words = whole.dictionary.to_pylist()
    code = whole.indices.fill_null(len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
    return code, [*words, None]


def _ints(column: pa.ChunkedArray, missing: int = 0) -> Ints:
    """An integer column as an array."""
    if column.null_count:
        column = column.fill_null(missing)
    return cast("npt.NDArray[np.int64]", column.to_numpy())
