"""What was seen: how many exchanges of each origin, and of names that no dialect lists.

Enters: the facts of a bucket. Leaves: small tables, for the bounds of a report, for what it says of
the capture, and for rules that ask how often a client went to an origin.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Ints
from statetrail.analyses.columnar.bucket import located
from statetrail.analyses.columnar.coding import Coded, coded, combined, integers, named, paired
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT, CLIENT_BY, ORIGIN, Column, Table
from statetrail.store.clients import client_names

CONTACTS: Final = Table(
    "contacts",
    "one client at one origin",
    (CLIENT, ORIGIN, Column("requests", "int", "Requests of the client to the origin")),
    ("client", "origin"),
)
NAME: Final = (*ORIGIN_COLUMNS, "dialect", "param")

_TIMES: Final = ("request_start_us", "response_end_us")
_COLUMNS: Final = {
    "exchanges": ("exchange_id", *ORIGIN_COLUMNS, "dialects", *_TIMES),
    "issued": ("exchange_id", "dialect", "param"),
    "presented": ("exchange_id", "dialect", "param"),
}
_SUMS: Final = {
    "rows": "sum",
    "exchange_id": "min",
    "first_us": "min",
    "last_us": "max",
    "ended_us": "max",
}
_UNENDED: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen how often.

    Columns of both: ``scheme``, ``host``, ``port``; ``rows``, how often; ``exchange_id``, the
    lowest; ``first_us`` and ``last_us``, the first and the last start of a request, and
    ``ended_us``, the last end of a response (null: none). `exchanges` also has ``dialects``, and
    `names`, the names that no dialect lists, ``dialect`` and ``param``.
    """

    exchanges: pa.Table
    names: pa.Table


@artifact(scope="whole")
def _listed(rec: Recording) -> frozenset[tuple[str, str]]:
    """(dialect, param) of what the dialects list."""
    return frozenset((each.name, param.name) for each in rec.dialects for param in each.params)


@artifact(reads=_COLUMNS, needs=(_listed,))
def _of_bucket(facts: Mapping[str, Any], listed: frozenset[tuple[str, str]]) -> Seen | None:
    if facts[CLASS]:  # What is seen is of no class.
        return None
    exchanges = facts["exchanges"]
    ids = integers(exchanges["exchange_id"])
    origin = [coded(exchanges[name]) for name in ORIGIN_COLUMNS]
    every = np.arange(len(ids))
    by_origin = [*zip(ORIGIN_COLUMNS, origin, strict=True)]
    seen = _counted(exchanges, every, [*by_origin, ("dialects", coded(exchanges["dialects"]))])
    by_id, places, params = np.argsort(ids), [], []
    for rows in (facts["issued"], facts["presented"]):
        pair, pairs = paired(coded(rows["dialect"]), coded(rows["param"]))
        place = located(integers(rows["exchange_id"]), ids, by_id)
        unlisted = np.array([each not in listed for each in pairs], dtype=np.bool_)[pair]
        row = np.flatnonzero(unlisted & (place != NOTHING))
        places.append(place[row])
        params.append(rows.select(["dialect", "param"]).take(pa.array(row)))
    place = np.concatenate(places)
    plain = [each.cast(pa.schema(dict.fromkeys(NAME[-2:], pa.string()))) for each in params]
    param = pa.concat_tables(plain)
    by_name = [(name, (code[place], entries)) for name, (code, entries) in by_origin]
    by_name += [(name, coded(param[name])) for name in param.column_names]
    return Seen(seen, _counted(exchanges, place, by_name))


@artifact(needs=(_of_bucket,), scope="whole")
def seen(_: Recording, several: Iterator[Seen | None]) -> Seen:
    """What was seen in all buckets."""
    every = [each for each in several if each is not None]
    return Seen(
        summed([each.exchanges for each in every], (*ORIGIN_COLUMNS, "dialects")),
        summed([each.names for each in every], NAME),
    )


@analysis(CONTACTS, needs=(settings,), reads={"exchanges": ORIGIN_COLUMNS}, audited=True)
def contacts(facts: Mapping[str, Any], options: Settings) -> pa.Table:
    """The requests of each client to each origin."""
    clients: list[str] = []
    origins: list[str] = []
    pairs = requests = np.zeros(0, dtype=np.int64)
    if not facts[CLASS]:
        rows, by = facts["exchanges"], options.client_by
        attributes = [CLIENT_BY[name] for name in by]
        client, clients = named(rows, attributes, partial(client_names, client_by=by))
        code, origins = origins_of(rows)
        pairs, requests = np.unique(client * len(origins) + code, return_counts=True)
    width = max(len(origins), 1)
    columns = {"client": words(pairs // width, clients), "origin": words(pairs % width, origins)}
    return table(CONTACTS, {**columns, "requests": requests})


def summed(several: Sequence[pa.Table], by: Sequence[str]) -> pa.Table:
    """Tables of what was seen, summed up by these columns."""
    none = pa.table({name: _array(name, []) for name in (*by, *_SUMS)})
    rows = pa.concat_tables([none, *(each.select(none.column_names) for each in several)])
    rows = rows.combine_chunks()  # What comes from a worker may lie unaligned.
    found = rows.group_by(list(by)).aggregate(list(_SUMS.items()))
    return found.select([*by, *(f"{name}_{how}" for name, how in _SUMS.items())]).rename_columns(
        none.column_names
    )


def _counted(exchanges: pa.Table, place: Ints, by: Sequence[tuple[str, Coded]]) -> pa.Table:
    """The exchanges at these places, counted by coded columns."""
    code, numbers = combined([column for _, column in by])
    count = len(numbers[0])
    start, end = (integers(exchanges[name], missing=_UNENDED)[place] for name in _TIMES)
    columns: dict[str, pa.Array] = {
        name: _array(name, [entries[number] for number in of])
        for (name, (_, entries)), of in zip(by, numbers, strict=True)
    }
    columns["rows"] = pa.array(np.bincount(code, minlength=count))
    for name, values in (("exchange_id", integers(exchanges["exchange_id"])[place]),
                         ("first_us", start), ("last_us", start), ("ended_us", end)):  # fmt: skip
        least = _SUMS[name] == "min"
        limit = np.iinfo(np.int64).max if least else _UNENDED
        found = np.full(count, limit, dtype=np.int64)
        (np.minimum if least else np.maximum).at(found, code, values)
        columns[name] = pa.array(found, mask=(found == _UNENDED) if name == "ended_us" else None)
    whole = pa.table(columns)
    return whole.filter(pc.greater(whole["rows"], 0))


def _array(name: str, entries: Sequence[object]) -> pa.Array:
    texts = (*NAME, "dialects")
    return pa.array(entries, pa.string() if name in texts and name != "port" else pa.int64())
