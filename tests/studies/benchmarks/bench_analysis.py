"""The analyses against hand-written queries: `make bench-analysis`. It prints figures only.

In alternating rounds, each in a process of its own:

1. verdicts, tokens and rotations of a generated dataset (`studies.benchmarks.generate`);
2. hand-written queries on the same files, which answer a small part of the same questions: DuckDB
   with an ASOF join, DuckDB with a window, and Polars;
3. the floor: one scan and one sort.

Ratios are of medians within one run. Then a profile of our own time, and ours on ten times as many
exchanges, in turns with the smaller number.
"""

import argparse
import cProfile
import io
import json
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import polars as pl

import statetrail as st
from statetrail.analyses.columnar import executor as bucketwise
from studies.benchmarks.generate import generate

ANALYSES = (st.verdicts, st.tokens, st.rotations)
TABLES = ("exchanges", "issued", "presented")
SORT = """
CREATE TEMP TABLE sorted AS
SELECT e.user_agent, p.param, e.request_start_us, e.response_start_us, e.response_end_us,
       p.fingerprint
FROM presented p JOIN exchanges e USING (exchange_id)
ORDER BY ALL
"""


def ours(folder: Path) -> dict[str, object]:
    """Verdicts, tokens and rotations as a user gets them."""
    rec = st.open(folder)
    seconds = {}
    for analysis in ANALYSES:
        begun = time.process_time()
        analysis(rec)
        seconds[analysis.__name__] = round(time.process_time() - begun, 2)
    counts = frame_counts(st.verdicts(rec))
    return {"cpu by analysis": seconds, "verdicts": counts}


def frame_counts(frame: st.Frame) -> dict[str, int]:
    """How often each verdict."""
    counted = frame.lazy.group_by("verdict").agg(count=nw.len()).collect("pyarrow")
    return dict(sorted((row["verdict"], row["count"]) for row in counted.rows(named=True)))


def by_hand(folder: Path, judging: str) -> dict[str, object]:
    """The hand-written SQL: `seen.sql`, and the verdicts by another file."""
    connection = views(folder)
    for name in ("seen.sql", judging):
        connection.execute((Path(__file__).parent / name).read_text("utf-8"))
    counts = connection.execute("SELECT verdict, count(*) FROM judged GROUP BY ALL ORDER BY ALL")
    return {"verdicts": dict(counts.fetchall())}


def by_polars(folder: Path) -> dict[str, object]:
    """The same by hand with Polars' ASOF join."""
    facts = {
        table: pl.scan_parquet(f"{folder}/{table}/*/*.parquet", hive_partitioning=False)
        for table in TABLES
    }
    exchanges = facts["exchanges"].select(
        "exchange_id",
        "request_start_us",
        pl.concat_str(
            pl.col("peer").fill_null("-"), pl.col("user_agent").fill_null("-"), separator=" | "
        ).alias("client"),
        pl.format("{}://{}:{}", "scheme", "host", "port").alias("origin"),
        pl.col("response_start_us").alias("begun"),
        (pl.col("response_end_us") + 250_000).alias("visible"),
    )
    by = ["client", "origin", "dialect", "param"]
    issues, requests = (
        facts[table]
        .select("exchange_id", "dialect", "param", "fingerprint")
        .join(exchanges, on="exchange_id")
        for table in ("issued", "presented")
    )
    judged = (
        requests.sort("request_start_us")
        .join_asof(
            issues.filter(pl.col("visible").is_not_null())
            .select(*by, "visible", known="fingerprint")
            .sort("visible"),
            left_on="request_start_us",
            right_on="visible",
            by=by,
            check_sortedness=False,  # Polars cannot check it within groups
        )
        .select(
            "exchange_id",
            "dialect",
            "param",
            verdict=pl.when(pl.col("known").is_null())
            .then(pl.lit("none"))
            .when(pl.col("known") == pl.col("fingerprint"))
            .then(pl.lit("honoured"))
            .otherwise(pl.lit("stale")),
        )
    )
    lifetimes = (
        pl.concat(
            several.select(*by, "fingerprint", seen_us=at)
            for several, at in ((issues, "begun"), (requests, "request_start_us"))
        )
        .group_by(*by, "fingerprint")
        .agg(sightings=pl.len(), first_us=pl.min("seen_us"), last_us=pl.max("seen_us"))
    )
    verdicts, _ = pl.collect_all([judged, lifetimes])
    return {"verdicts": dict(sorted(verdicts.group_by("verdict").len().iter_rows()))}


def floor(folder: Path) -> dict[str, object]:
    """One scan and one sort of the same files."""
    views(folder).execute(SORT)
    return {}


def views(folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the dataset's tables as views on the files."""
    connection = duckdb.connect()
    for table in TABLES:
        files = f"{folder}/{table}/*/*.parquet"
        connection.execute(
            f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}', hive_partitioning=false)"
        )
    return connection


def profile(folder: Path) -> dict[str, object]:
    """Where our time goes: seconds within each function itself, one part after the other."""
    bucketwise.in_turn = lambda work, things, _: map(work, things)
    rec = st.open(folder)
    profiler = cProfile.Profile()
    profiler.enable()
    for analysis in ANALYSES:
        analysis(rec)
    profiler.disable()
    table = pstats.Stats(profiler, stream=io.StringIO())
    spent = {
        f"{Path(file).name}:{name}" if line else name: own
        for (file, line, name), (_, _, own, _, _) in table.stats.items()
    }
    most = sorted(spent.items(), key=lambda item: -item[1])[:20]
    return {"seconds": round(sum(spent.values()), 1), "most": [[n, round(t, 2)] for n, t in most]}


WORK: dict[str, Callable[[Path], dict[str, object]]] = {
    "ours": ours,
    "asof": partial(by_hand, judging="asof.sql"),
    "windows": partial(by_hand, judging="windows.sql"),
    "polars": by_polars,
    "floor": floor,
    "profile": profile,
}
COMPARED = ("ours", "asof", "windows", "polars", "floor")


def measured(name: str, folder: Path) -> None:
    """Do one piece of work in this process and print its cost as JSON; imports do not count."""
    wall, cpu = time.perf_counter(), time.process_time()
    told = WORK[name](folder)
    spent = {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(spent | {"told": told}))


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=10, help="the larger size; 0: leave it out")
    parser.add_argument("--work", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        measured(asked.work, asked.folder)
        return
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "dataset"
        print(generate(folder, asked.exchanges))
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in COMPARED}
        for _ in range(asked.rounds):
            for name in COMPARED:
                runs[name].append(apart(name, folder))
        median = {
            name: {
                key: statistics.median(run[key] for run in own)
                for key in ("wall_s", "cpu_s", "rss_mib")
            }
            for name, own in runs.items()
        }
        print(f"{'':8} {'wall s':>8} {'CPU s':>8} {'MiB':>7}  medians of {asked.rounds}")
        for name, row in median.items():
            print(f"{name:8} {row['wall_s']:8.1f} {row['cpu_s']:8.1f} {row['rss_mib']:7.0f}")
            print(f"         {runs[name][-1]['told']}")
        for other in COMPARED[1:]:
            for key in ("wall_s", "cpu_s"):
                print(f"ours / {other} {key}: {median['ours'][key] / median[other][key]:.2f}")
        told = apart("profile", folder)["told"]
        print(f"profile, one part after the other, {told['seconds']} s:")
        for name, seconds in told["most"]:
            print(f"  {seconds:6.2f} s  {name}")
        if asked.times:
            larger = Path(parent) / "larger"
            print(generate(larger, asked.times * asked.exchanges))
            pairs = [(apart("ours", folder), apart("ours", larger)) for _ in range(asked.rounds)]
            wall, cpu, rss = (
                statistics.median(large[key] for _, large in pairs)
                for key in ("wall_s", "cpu_s", "rss_mib")
            )
            times = statistics.median(large["cpu_s"] / small["cpu_s"] for small, large in pairs)
            print(f"ours {wall:8.1f} {cpu:8.1f} {rss:7.0f}: {times:.1f} times the CPU")


def apart(name: str, folder: Path) -> dict[str, Any]:
    """What a piece of work costs in a process of its own."""
    command = [sys.executable, "-m", "studies.benchmarks.bench_analysis", "--work", name]
    done = subprocess.run(
        [*command, "--folder", folder], stdout=subprocess.PIPE, check=True, text=True
    )
    cost: dict[str, Any] = json.loads(done.stdout)
    return cost


if __name__ == "__main__":
    main()
