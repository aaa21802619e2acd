"""What recording and analysing cost: `make bench`. Prints medians; asserts nothing.

Recording: the recorder's own work per exchange (sightings and commit), without the proxy.
Analysing: the whole audit of a synthetic store, per stage, on DuckDB.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.analyses.tokens.rotations import rotations
from statetrail.analyses.tokens.tokens import tokens
from statetrail.dialects import select
from statetrail.extract import Exchange, ExchangeFacts, ExtractorConfig, Request, Response, extract
from statetrail.recording.frames import open_recording
from statetrail.rules import findings
from statetrail.store import SqliteStore

PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><ResultSet page="1" session="{}" '
    'xmlns="http://www.zeald.com">' + "<Category id='x'>text</Category>" * 60 + "</ResultSet>"
)


def exchange(n: int, start_us: int, client: int, token: str, presented: str) -> Exchange:
    """A 2 KB exchange with four sightings: a token and a ticket, presented and issued."""
    body = PAGE.format(token).encode()
    request = Request(
        "GET",
        *("http", "shop.example", 80),
        f"/API/V3/BrowseCategory/00411?_session_token={presented}".encode(),
        (
            (b"Host", b"shop.example"),
            (b"User-Agent", b"till/%d" % client),
            (b"X-Ticket", b"t/+=" * 8),
        ),
        "HTTP/1.1",
        start_us,
        start_us + 500,
        0,
        "127.0.0.1",
    )
    answer = Response(
        200,
        ((b"Content-Type", b"text/xml"), (b"X-Set-Ticket", b"t/+=" * 8 + b";header/forced")),
        start_us + 20_000,
        start_us + 30_000,
        body,
        len(body),
    )
    return Exchange(f"flow-{n}", request, answer)


def traffic(count: int, config: ExtractorConfig, seed: int = 7) -> list[ExchangeFacts]:
    """`count` exchanges, 200 a client; tokens reset now and then, some clients keep the old one."""
    draw = random.Random(seed)
    made, now = [], 1_750_000_000_000_000
    for client in range(max(1, count // 200)):
        token = presented = f"tok{client:07d}aaaaa"
        at = now + draw.randrange(3_600_000_000)
        for n in range(min(200, count)):
            at += draw.randrange(1_000_000, 60_000_000)
            if draw.random() < 0.02:
                token = f"tok{client:07d}{n:05d}"
            made.append(extract(exchange(client * 200 + n, at, client, token, presented), config))
            presented = token if draw.random() > 0.01 else presented
    return made


def bench_recording(store: SqliteStore, config: ExtractorConfig, rounds: int = 3000) -> None:
    """Microseconds per exchange: sightings, commit, both."""
    config, commit = [], []
    for n in range(rounds):
        one = exchange(n, n * 1_000_000, n % 50, f"tok{n % 90:012d}", f"tok{n % 90:012d}")
        begun = time.perf_counter_ns()
        facts = extract(one, config)
        seen = time.perf_counter_ns()
        store.append(facts)
        config.append((seen - begun) / 1000)
        commit.append((time.perf_counter_ns() - seen) / 1000)
    both = [a + b for a, b in zip(config, commit, strict=True)]
    for name, values in (("sightings", config), ("commit", commit), ("both", both)):
        ninety_nine = statistics.quantiles(values, n=100)[98]
        print(f"  {name:10} {statistics.median(values):8.0f} µs median {ninety_nine:8.0f} µs p99")


def timed(name: str, work: Callable[[], object]) -> None:
    """Run and print the seconds it took."""
    begun = time.perf_counter()
    work()
    print(f"  {name:10} {time.perf_counter() - begun:8.2f} s")


def main() -> None:
    """Run both benchmarks and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=50_000, help="size of the synthetic store")
    count = parser.parse_args().exchanges
    with tempfile.TemporaryDirectory() as folder:
        with SqliteStore.create_or_open(Path(folder) / "hook.sqlite") as store:
            print("recording, per 2 KB exchange with 4 sightings")
            bench_recording(store, ExtractorConfig(select(), store.fingerprinter))
        path = Path(folder) / "large.sqlite"
        with SqliteStore.create_or_open(path) as store:
            store.append_many(traffic(count, ExtractorConfig(select(), store.fingerprinter)))
        print(f"analysing {count} exchanges (DuckDB)")
        rec = open_recording(path)
        for name, analysis in (
            *(("verdicts", verdicts), ("tokens", tokens), ("rotations", rotations)),
            *(("clients", clients), ("expiry", expiry), ("findings", findings)),
        ):
            timed(name, lambda analysis=analysis: analysis(rec).to_arrow())


if __name__ == "__main__":
    main()
