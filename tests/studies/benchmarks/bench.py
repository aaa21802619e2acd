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
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.recording.frames import open_recording
from statetrail.rules import findings
from statetrail.store.sqlite import SqliteStore

PAGE = (
    '<?xml version="1.0" encoding="utf-8"?><ResultSet page="1" session="{}" '
    'xmlns="http://www.zeald.com">' + "<Category id='x'>text</Category>" * 60 + "</ResultSet>"
)


def exchange(
    n: int, start_us: int, client: int, token: str, presented: str, *, cookies: bool = False
) -> Exchange:
    """A 2 KB exchange with four sightings: a token and a ticket, presented and issued.

    With `cookies` three more: a session cookie presented and set again, and a bearer token. Each
    head differs from all others, by its request id and its date.
    """
    sent = (
        (b"Cookie", b"sid=%s" % presented.encode()),
        (b"Authorization", b"Bearer x%s" % presented.encode()),
    )
    answered = ((b"Set-Cookie", b"sid=%s; Path=/; HttpOnly" % token.encode()),)
    body = PAGE.format(token).encode()
    request = Request(
        "GET",
        *("http", "shop.example", 80),
        f"/API/V3/BrowseCategory/00411?_session_token={presented}".encode(),
        (
            (b"Host", b"shop.example"),
            (b"User-Agent", b"till/%d" % client),
            (b"X-Request-Id", b"%032x" % (n * 7919)),
            (b"X-Ticket", b"t/+=" * 8),
            *(sent if cookies else ()),
        ),
        "HTTP/1.1",
        start_us,
        start_us + 500,
        0,
        "127.0.0.1",
    )
    answer = Response(
        200,
        (
            (b"Content-Type", b"text/xml"),
            (b"Date", b"Sun, 29 Nov 2026 %02d:%02d:%02d GMT" % (n // 3600, n // 60 % 60, n % 60)),
            (b"X-Set-Ticket", b"t/+=" * 8 + b";header/forced"),
            *(answered if cookies else ()),
        ),
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


def bench_recording(
    store: SqliteStore, config: ExtractorConfig, rounds: int = 3000, *, cookies: bool = False
) -> None:
    """Microseconds per exchange: sightings, commit, both."""
    seeing, commit = [], []
    for n in range(rounds):
        token = f"tok{n % 90:012d}"
        one = exchange(n, n * 1_000_000, n % 50, token, token, cookies=cookies)
        begun = time.perf_counter_ns()
        facts = extract(one, config)
        seen = time.perf_counter_ns()
        store.append(facts)
        seeing.append((seen - begun) / 1000)
        commit.append((time.perf_counter_ns() - seen) / 1000)
    both = [a + b for a, b in zip(seeing, commit, strict=True)]
    for name, values in (("sightings", seeing), ("commit", commit), ("both", both)):
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
            config = ExtractorConfig(select(), store.fingerprinter)
            print("recording, per 2 KB exchange with 4 sightings, all dialects on")
            bench_recording(store, config)
            print("the same with a session cookie and a bearer token: 7 sightings")
            bench_recording(store, config, cookies=True)
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
