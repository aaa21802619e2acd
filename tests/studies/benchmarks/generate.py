"""Large stores for the benchmarks: vectorised, seeded, with counts known from the making.

A Parquet dataset as `statetrail export` writes it: each exchange issues one value and presents
three; 200 exchanges a client, one client with 5 % of all; requests overlap the response before
them, times are whole milliseconds, so that ties are common. Tokens are kept by most issues and
rotate by some; most clients present the newest value they saw, some an older or an unknown one.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from statetrail.schema import CAPTURES, EXCHANGES, FACTS, ISSUED, PRESENTED, SCHEMA_VERSION
from statetrail.store.dataset.export import buckets_for
from statetrail.store.dataset.manifest import MANIFEST
from studies.simulation.facts import (
    Param,
    exchange_rows,
    issued_rows,
    mix,
    pick,
    presented_rows,
)

PARAMS = (
    Param("52eseller", "VisitorId", "uriquery", "forced", "header"),
    Param("52eseller", "Ticket", "header", "forced", "header"),
    Param("52eseller", "LangId", "uriquery", "informational", "header"),
)
ISSUES = (0.7, 0.2, 0.1)
"""The parameters' shares of the issues."""
ROTATIONS = (0.02, 0.10, 0.05)
"""The share of a parameter's issues that replace its value."""
START_US = 1_750_000_000_000_000

FILLED = (EXCHANGES, ISSUED, PRESENTED)
VERSION_2 = {
    "exchanges": "exchange_id flow_id request_start_us request_end_us response_start_us "
    "response_end_us peer user_agent proxy_user client_header method scheme host port path "
    "endpoint status http_version request_bytes response_bytes error cache_control age_s "
    "request_origin exposed_headers dialects notes",
    "issued": "exchange_id ordinal dialect param value fingerprint normal_fingerprint "
    "prefix_fingerprint usage priority channel problem length alphabet declared_s",
    "presented": "exchange_id ordinal dialect param value fingerprint normal_fingerprint "
    "prefix_fingerprint channel kind",
    "captures": "capture_id source name at_us exchanges duplicates skipped problem",
    "traces": "exchange_id ordinal place fingerprint",
}
"""The fact tables of schema version 2, in the catalogue's order, with their columns."""


@dataclass(frozen=True)
class Shape:
    """What a recording is like.

    Attributes
    ----------
    busiest
        The share of the exchanges that one client has; the others have `each`.
    each
        Exchanges of each other client.
    endpoints, origins
        How many there are.
    rotations
        The share of a parameter's issues that replace its value.
    names
        Names that no dialect lists, of which each exchange issues another one beside.
    """

    busiest: float = 0.05
    each: int = 200
    endpoints: int = 3
    origins: int = 1
    rotations: tuple[float, float, float] = ROTATIONS
    names: int = 0


SHAPES: dict[str, Shape] = {
    "plain": Shape(),
    "one client": Shape(busiest=1.0),
    "clients of five": Shape(busiest=0.0, each=5),
    "100k endpoints": Shape(endpoints=100_000),
    "a token a request": Shape(rotations=(1.0, 1.0, 1.0)),
    "300 origins": Shape(origins=300),
    "64k names": Shape(names=65_536),
}
"""The shapes that the benchmark of audits measures."""


@dataclass(frozen=True)
class Known:
    """What the generator knows of the store: rows by table, values and changes of value."""

    exchanges: int
    clients: int
    values: int
    rotations: int


def generate(
    folder: Path,
    exchanges: int,
    *,
    buckets: int | None = None,
    seed: int = 11,
    version: int = SCHEMA_VERSION,
    shape: Shape = SHAPES["plain"],
) -> Known:
    """Write a dataset of about that many exchanges into `folder` (replaced); its known counts.

    `version` is the schema version of the dataset: the present one, or 2.
    """
    shutil.rmtree(folder, ignore_errors=True)
    buckets = buckets or buckets_for(exchanges)
    one = round(exchanges * shape.busiest)
    others = [shape.each] * ((exchanges - one) // shape.each)
    sizes = np.array([*([one] if one else []), *others])
    bucket_of = np.arange(len(sizes)) % buckets
    known = np.zeros(4, dtype=np.int64)
    first_id = 1
    for bucket in range(buckets):
        clients = np.flatnonzero(bucket_of == bucket)
        if len(clients):
            rng = np.random.default_rng([seed, bucket])
            tables, counts = _bucket(rng, clients, sizes[clients], first_id, shape)
            first_id += tables["exchanges"].num_rows
            known += counts
            _write(folder, tables, version, bucket)
    captures = pa.Table.from_pylist(
        [{"capture_id": 1, "source": "live", "started_us": START_US, "exchanges": int(known[0]),
          "duplicates": 0, "skipped": 0}],
        schema=CAPTURES.arrow,
    )  # fmt: skip
    empty = {table.name: table.arrow.empty_table() for table in FACTS if table not in FILLED}
    _write(folder, empty | {CAPTURES.name: captures}, version)
    (folder / MANIFEST).write_text(
        json.dumps(
            {
                "schema_version": version,
                "key_id": "0" * 16,
                "client_by": ["peer", "user-agent"],
                "buckets": buckets,
            }
        )
    )
    return Known(*(int(n) for n in known))


def _write(
    folder: Path, tables: Mapping[str, pa.Table], version: int, bucket: int | None = None
) -> None:
    """Write each table as a file of its folder, or of that bucket's."""
    for table, (name, columns) in zip(FACTS, VERSION_2.items(), strict=True):
        if table.name in tables:
            rows = tables[table.name]
            if version == 2:
                # Renamed columns keep their places, and those of later versions are left out.
                rows = rows.select([c.name for c in table.columns if c.since <= version])
                rows = rows.rename_columns(columns.split())
            target = folder / (name if version == 2 else table.name)
            target = target if bucket is None else target / f"bucket={bucket}"
            target.mkdir(parents=True)
            pq.write_table(rows, target / "part-0.parquet", compression="zstd")


def _bucket(
    rng: np.random.Generator,
    clients: np.ndarray,
    sizes: np.ndarray,
    first_id: int,
    shape: Shape,
) -> tuple[dict[str, pa.Table], np.ndarray]:
    count = int(sizes.sum())
    owner = np.repeat(np.arange(len(clients)), sizes)
    place = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # Gaps in ms: often shorter than a response, so that requests overlap; sometimes none at all.
    gap = np.where(
        rng.random(count) < 0.3, rng.integers(0, 40, count), rng.integers(40, 60_000, count)
    )
    gap[place == 0] = rng.integers(0, 3_600_000, len(clients))
    total = np.cumsum(gap)
    start = total - np.repeat((total - gap)[place == 0], sizes)
    begun = start + rng.integers(1, 60, count)
    ended = begun + rng.integers(0, 30, count)
    times = [START_US + t.astype(np.int64) * 1000 for t in (start, begun, ended)]
    ids = np.arange(first_id, first_id + count)
    which = rng.choice(3, count, p=ISSUES)
    which = np.where(place < 3, place, which)
    issued_fp = np.zeros(count, dtype=np.int64)
    presented_fp = np.zeros((count, 3), dtype=np.int64)
    values = changes = 0
    for n, rotating in enumerate(shape.rotations):
        issues = which == n
        turned = issues & (rng.random(count) < rotating) & (place > n)
        version = _running(turned, owner, sizes)
        # What the client knows when it asks: the version before this exchange's own.
        seen = version - turned
        behind = (rng.random(count) < 0.02) & (seen > 0)
        alien = rng.random(count) < 0.005
        shown = np.where(behind, seen - 1, seen)
        presented_fp[:, n] = _fingerprints(
            clients[owner], n, np.where(alien, 900_000 + place, shown)
        )
        issued_fp[issues] = _fingerprints(clients[owner], n, version)[issues]
        values += int(turned.sum()) + int((place == n).sum())
        changes += int(turned.sum())
    agent = pa.array(clients[owner]).cast(pa.string())
    tables = {
        "exchanges": exchange_rows(
            ids,
            times,
            pick(_paths(shape.endpoints), (which + ids * 3) % shape.endpoints),
            peer="10.0.0.1",
            user_agent=pa.compute.binary_join_element_wise("till/", agent, ""),
            host=pick(_hosts(shape.origins), clients[owner] % shape.origins),
            status=200,
            dialects="52eseller",
        ),
        "issued": _issued(ids, which, issued_fp, shape.names),
        "presented": presented_rows(
            PARAMS,
            np.repeat(ids, 3),
            params := np.tile(np.arange(3), count),
            presented_fp.reshape(-1),
            ordinal=params,
            kind="value",
        ),
    }
    return tables, np.array([count, len(clients), values, changes])


def _paths(count: int) -> list[str]:
    first = ["/services/v3/carts", "/services/v3/products", "/services/v3/menus"]
    return [*first, *(f"/services/v3/items/x{n}" for n in range(count - len(first)))]


def _hosts(count: int) -> list[str]:
    return ["shop.example", *(f"shop-{n}.example" for n in range(1, count))]


def _issued(ids: np.ndarray, which: np.ndarray, fingerprints: np.ndarray, names: int) -> pa.Table:
    """The issues; with `names` another one in each exchange, of a name that no dialect lists."""
    form = {"length": 15, "alphabet": "lower+upper"}
    rows = issued_rows(PARAMS, ids, which, fingerprints, **form)
    if not names:
        return rows
    more = tuple(Param("52eseller", f"Name{n}", "header", "forced", "header") for n in range(names))
    invented = issued_rows(more, ids, ids % names, mix(ids.astype(np.uint64)), **form)
    ordinal = invented.schema.get_field_index("ordinal")
    one = pa.array(np.ones(len(ids), dtype=np.int64))
    return pa.concat_tables([rows, invented.set_column(ordinal, "ordinal", one).cast(rows.schema)])


def _running(turned: np.ndarray, owner: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How often a client's value has turned up to and including each exchange."""
    total = np.cumsum(turned)
    before = np.concatenate([[0], total])[np.cumsum(sizes) - sizes]
    return total - before[owner]


def _fingerprints(client: np.ndarray, param: int, version: np.ndarray) -> np.ndarray:
    key = (client.astype(np.uint64) << np.uint64(24)) ^ np.uint64(param << 60)
    return mix(key ^ version.astype(np.uint64))
