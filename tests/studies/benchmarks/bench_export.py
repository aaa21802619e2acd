"""What an export costs: `make bench-export`. Prints figures; asserts nothing.

Each export is `statetrail export STORE --out DATASET` in a process of its own, start-up included:
processor time, time, and the most memory that was resident. The stores are SQLite files with
generated exchanges (`studies.benchmarks.generate`), in the order in which they began. Medians of
alternating rounds:

1. a store into a new dataset, of each shape;
2. the first of them again, without anything new;
3. the first one with 10,000 exchanges more, into the dataset that it was exported to before.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import apsw
import duckdb

from statetrail.schema import CAPTURES, EXCHANGES, FACTS, ISSUED, PRESENTED
from statetrail.store.sqlite import SqliteStore
from studies.benchmarks.bench_audit import COMMAND, Cost, run
from studies.benchmarks.generate import SHAPES, generate

MORE = 10_000


def write_store(dataset: Path, store: Path) -> None:
    """Write a generated dataset as a store, its ids in the order of the requests."""
    SqliteStore.create_or_open(store).close()
    rows, target = duckdb.connect(), apsw.Connection(str(store))
    rows.execute("SET enable_progress_bar = false")
    rows.execute(f"SET temp_directory = '{dataset.parent}'")
    rows.execute(
        "CREATE TABLE ids AS SELECT exchange_id, row_number() OVER (ORDER BY request_start_us, "
        f"exchange_id) AS id FROM read_parquet('{dataset}/exchanges/*/*.parquet')"
    )
    target.execute("PRAGMA synchronous = OFF")
    with target:
        for table in FACTS:
            files = f"read_parquet('{dataset}/{table.name}/**/*.parquet', hive_partitioning=false)"
            if table is CAPTURES:
                query = f"FROM {files}"
            else:
                others = ", ".join(table.names[1:])
                key = ", ".join(["id", *table.key[1:]])
                query = (
                    f"SELECT id, {others} FROM {files} JOIN ids USING (exchange_id) ORDER BY {key}"
                )
            found = rows.execute(query)
            marks = ", ".join("?" * len(table.names))
            while some := found.fetchmany(20_000):
                target.executemany(f"INSERT INTO {table.name} VALUES ({marks})", some)
    rows.close()
    target.close()
    # What has just been written is compared whatever its time says.
    hour_ago = time.time() - 3600
    os.utime(store, (hour_ago, hour_ago))


def add_more(store: Path) -> None:
    """Repeat the first exchanges of a store under other flow ids."""
    with apsw.Connection(str(store)) as db:
        last = db.execute("SELECT max(exchange_id) FROM exchanges").get
        for table in (EXCHANGES, ISSUED, PRESENTED):
            names = ", ".join("'x' || flow_id" if n == "flow_id" else n for n in table.names[1:])
            db.execute(
                f"INSERT INTO {table.name} SELECT exchange_id + {last}, {names} FROM {table.name} "
                f"WHERE exchange_id <= {MORE}"
            )


def make_store(folder: Path, exchanges: int, shape: str) -> Path:
    """A store of a shape, made by a process of its own: children start with a process's memory."""
    store = folder / f"{shape.replace(' ', '-')}.sqlite"
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(generate, folder / "generated", exchanges, shape=SHAPES[shape]).result()
        pool.submit(write_store, folder / "generated", store).result()
    return store


def export(store: Path, to: Path) -> list[str | Path]:
    """The command that exports a store."""
    return [*COMMAND, "export", store, "--out", to]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shapes", default="plain,one client,clients of five")
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        shapes = options.shapes.split(",")
        found = {shape: make_store(folder, options.exchanges, shape) for shape in shapes}
        plain = next(iter(found.values()))
        earlier, grown = folder / "earlier", folder / "grown.sqlite"
        run(export(plain, earlier))
        shutil.copy(plain, grown)
        add_more(grown)
        for _ in range(options.rounds):
            for name, store in found.items():
                costs.setdefault(name, []).append(run(export(store, folder / "new")))
                shutil.rmtree(folder / "new")
            costs.setdefault("nothing new", []).append(run(export(plain, earlier)))
            shutil.copytree(earlier, folder / "added")
            costs.setdefault(f"{MORE:,} more", []).append(run(export(grown, folder / "added")))
            shutil.rmtree(folder / "added")
    print(f"{'export of':28} {'CPU s':>8} {'s':>8} {'MiB':>8}")
    for name, several in costs.items():
        cost = Cost(*(statistics.median(each) for each in zip(*several, strict=True)))
        print(f"{name:28} {cost.cpu_s:8.2f} {cost.wall_s:8.2f} {cost.rss_mib:8,.0f}")


if __name__ == "__main__":
    main()
