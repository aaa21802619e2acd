"""The inference of expiry at scale: `make bench-expiry`. Prints figures; asserts nothing.

One origin with an idle timeout of half an hour: 100,000 tokens with a million uses, as a Parquet
dataset. In a process of its own each round: from the open recording to the rows of `st.expiry`,
which reads the files, judges each use, and infers. Then where the time goes, and the survival curve
of as many intervals as there are tokens.
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
from pathlib import Path

import numpy as np

import statetrail as st
from statetrail.analyses.columnar import executor as bucketwise
from statetrail.expiry.npmle import npmle
from statetrail.schema import CAPTURES
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts
from studies.simulation import ProxyView, tables

TIMEOUT_S = 1800.0
CLIENTS = 5_000
ASKED_S = 10.0


def generate(folder: Path, count: int, tokens: int, seed: int = 7) -> dict[str, int]:
    """Clients whose pauses end a token every so often: so many uses, about so many tokens."""
    rng = np.random.default_rng(seed)
    each = count // CLIENTS
    # The share of the pauses that are too long is that of tokens in uses.
    pauses = np.sort(rng.lognormal(0, 1.5, 100_000))
    median_s = TIMEOUT_S / pauses[int(len(pauses) * (1 - tokens / count))]
    gap_s = median_s * rng.lognormal(0, 1.5, (CLIENTS, each))
    latency_s = 0.05 * rng.lognormal(0, 0.4, (CLIENTS, each))
    sent = rng.uniform(0, 3600, (CLIENTS, 1)) + np.cumsum(gap_s + latency_s, axis=1)
    ended = sent + latency_s
    fatal = gap_s >= TIMEOUT_S
    fatal[:, 0] = True
    number = np.cumsum(fatal, axis=1) - 1
    first = np.concatenate([[0], np.cumsum(number[:, -1] + 1)[:-1]])[:, None]
    issued = number + first
    presented = np.where(fatal, issued - 1, issued)
    presented[:, 0] = -1
    order = np.argsort(sent, axis=None, kind="stable")
    client = np.repeat(np.arange(CLIENTS), each)

    def flat(moments: np.ndarray) -> np.ndarray:
        return moments.ravel()[order]

    seen = ProxyView(
        key=seed,
        holder=1,
        request_start_us=flat((sent * 1e6).astype(np.int64)),
        response_start_us=flat(((sent + latency_s / 2) * 1e6).astype(np.int64)),
        response_end_us=flat((ended * 1e6).astype(np.int64) + 1),
        client=client[order],
        agent=np.zeros(len(order), dtype=np.int64),
        presented=flat(presented),
        issued=flat(issued),
        status=np.full(len(order), 200),
        logout=np.zeros(len(order), dtype=np.bool_),
    )
    filled = tables([seen]) | {CAPTURES.name: CAPTURES.arrow.empty_table()}
    export_parquet(Facts(folder, "0" * 16, filled), folder, ["peer", "user-agent"])
    return {"uses": int((presented >= 0).sum()), "tokens": int(issued.max()) + 1}


def inferred(folder: Path) -> None:
    """Infer in this process and print the row with its cost as JSON."""
    rec = st.open(folder)
    wall, cpu = time.perf_counter(), time.process_time()
    (row,) = st.expiry(rec).rows()
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    names = ("policy", "idle_low_s", "idle_high_s", "idle_sharp_low_s", "idle_sharp_high_s")
    counts = ("survived", "ended", "censored", "excluded")
    print(json.dumps(spent | {"rss_mib": mib} | {name: row[name] for name in names + counts}))


def profiled(folder: Path) -> list[tuple[str, float]]:
    """Seconds within each part, one bucket after the other."""
    bucketwise.in_turn = lambda work, things, _: map(work, things)
    rec = st.open(folder)
    profiler = cProfile.Profile()
    profiler.enable()
    st.expiry(rec)
    profiler.disable()
    table = pstats.Stats(profiler, stream=io.StringIO())
    spent: dict[str, float] = {}
    for (file, line, name), (_, _, own, _, _) in table.stats.items():
        where = Path(file).name if line and "statetrail" in file else name
        spent[where] = spent.get(where, 0.0) + own
    return sorted(spent.items(), key=lambda item: -item[1])[:14]


def main() -> None:
    """Generate, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uses", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder:
        inferred(asked.folder)
        return
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "dataset"
        print(generate(folder, asked.uses, asked.tokens))
        command = [sys.executable, "-m", "studies.benchmarks.bench_expiry", "--folder", str(folder)]
        rounds = []
        for _ in range(asked.rounds):
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            rounds.append(json.loads(done.stdout))
            print(f"wall {rounds[-1]['wall_s']:.2f} s, CPU {rounds[-1]['cpu_s']:.2f} s")
        print({name: value for name, value in rounds[-1].items() if not name.endswith("_s")})
        row = rounds[-1]
        print(
            f"idle timeout {TIMEOUT_S:g} s: reported ({row['idle_low_s']}, {row['idle_high_s']}], "
            f"sharp ({row['idle_sharp_low_s']}, {row['idle_sharp_high_s']}]"
        )
        for what in ("wall_s", "cpu_s"):
            middle = statistics.median(one[what] for one in rounds)
            print(f"{what}: median {middle:.2f}, asked: at most {ASKED_S:g}")
        print("seconds by module or function, one bucket after the other:")
        for where, seconds in profiled(folder):
            print(f"  {seconds:6.2f}  {where}")
    rng = np.random.default_rng(3)
    left = rng.lognormal(0, 1, asked.tokens)
    right = np.where(
        rng.random(asked.tokens) < 0.3, np.inf, left + rng.lognormal(0, 1, asked.tokens)
    )
    begun = time.perf_counter()
    curve = npmle(left, right)
    print(
        f"survival curve of {asked.tokens} intervals: {time.perf_counter() - begun:.2f} s "
        f"(asked: 5), at most {curve.gain:.1e} of log-likelihood a value below the maximum"
    )


if __name__ == "__main__":
    main()
