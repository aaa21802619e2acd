"""A million inputs against what reads hostile traffic: `make fuzz`. Bounded in time, seeds kept.

Inputs are grown from a corpus by mutation: header fields, queries, paths, XML roots in several
encodings, content codings, cut anywhere. Nothing may leave `extract` as an exception, take over
10 ms of the processor (the best of three tries) or over 10 MB. What breaks a rule is written to the
folder of seeds, from which the next run begins, and the exit code is 1.
"""

import argparse
import hashlib
import os
import pickle
import random
import sys
import time
import traceback
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from statetrail.extract.extractor import extract
from statetrail.extract.records import Exchange, Request, Response
from support.traffic import CONFIG

MAX_S, MAX_BYTES = 0.010, 10 << 20
PIECES = [
    *(b"/API/V3/", b"/services/v3/baskets/", b"?_session_token=", b"&LangId=", b"%", b"%25", b"+"),
    *(b"1;uriquery/informational", b";header/forced", b"\x00", b"\xff", b"\r", b"\xe2\x80\xae"),
    *(b"<?xml version='1.0' encoding='", b"utf-16", b"cp037", b"?>", b"<!DOCTYPE r [", b"<!ENTITY"),
    *(b"<r session='", b"'/>", b"&#x41;", b"&amp;", b"xmlns:a='u' ", b"<!--", b"-->", b"]>"),
    *(b"yjipILZBeUWxrFq", b"t/+=" * 12, b"a" * 700, b"=", b"&", b";", b",", b"://", b"#", b"/"),
]  # fmt: skip
NAMES = [
    *(b"X-Set-LangId", b"X-Set-Ticket", b"x-set-", b"X-Set-\xff", b"X-LangId", b"X-Ticket"),
    *(b"Content-Encoding", b"Content-Type", b"Cookie", b"Referer", b"User-Agent", b"Origin"),
    *(b"Authorization", b"Cache-Control", b"Age", b"Access-Control-Expose-Headers"),
]
CODINGS = [b"gzip", b"br", b"zstd", b"deflate", b"gzip, br", b"identity", b"?"]
CHARSETS = ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp037", "latin-1", "shift_jis", "hz"]


def text(draw: random.Random, size: int) -> bytes:
    """Pieces in any order, with some bytes changed."""
    raw = bytearray(b"".join(draw.choices(PIECES, k=draw.randrange(size))))
    for _ in range(draw.randrange(3)):
        if raw:
            raw[draw.randrange(len(raw))] = draw.randrange(256)
    return bytes(raw[: draw.randrange(len(raw) + 1)] if draw.random() < 0.2 else raw)


def fields(draw: random.Random) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields, many or few."""
    count = draw.choice((1, 3, 8, 200)) if draw.random() < 0.05 else draw.randrange(5)
    return tuple(
        (draw.choice(NAMES), draw.choice(CODINGS) if draw.random() < 0.1 else text(draw, 8))
        for _ in range(count)
    )


def exchange(draw: random.Random) -> Exchange:
    """One input."""
    body = text(draw, 14)
    if draw.random() < 0.2:
        body = body.decode("latin-1").encode(draw.choice(CHARSETS), "replace")
    if draw.random() < 0.02:
        body = (body or b"<a ") * (65_536 // max(1, len(body or b"<a ")) + 1)
    request = Request(
        *("GET", "http", "shop.example", 80, b"/API/V3/" * (draw.random() < 0.7) + text(draw, 10)),
        *(fields(draw), "HTTP/1.1", 1_000),
    )
    return Exchange("f", request, Response(200, fields(draw), 2_000, 3_000, body, len(body)))


def broken(one: Exchange) -> str | None:
    """Which rule the input breaks."""
    took = []
    for _ in range(3):
        begun = time.thread_time()
        try:
            extract(one, CONFIG)
        except Exception:
            return traceback.format_exc(limit=3)
        took.append(time.thread_time() - begun)
        if took[-1] < MAX_S:
            return None
    return f"{min(took) * 1000:.1f} ms"


def memory(one: Exchange) -> str | None:
    """Whether it takes too much memory."""
    tracemalloc.start()
    try:
        extract(one, CONFIG)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return f"{peak >> 20} MB" if peak > MAX_BYTES else None


def hunt(part: int, inputs: int, end: float, seed: int, seeds: Path) -> tuple[int, int, float]:
    """Run a part of the inputs: how many there were, how many broke a rule, processor seconds."""
    draw, count, bad = random.Random(seed * 1_000 + part), 0, 0
    kept = sorted(seeds.glob("*.pickle")) if seeds.is_dir() and part == 0 else []
    known = [pickle.loads(path.read_bytes()) for path in kept]
    while count < inputs and time.monotonic() < end:
        one = known.pop() if known else exchange(draw)
        problem = broken(one) or (memory(one) if count % 200 == 0 else None)
        count += 1
        if problem is not None:
            bad += 1
            raw = pickle.dumps(one)
            seeds.mkdir(exist_ok=True)
            path = seeds / f"{hashlib.sha256(raw).hexdigest()[:12]}.pickle"
            path.write_bytes(raw)
            print(f"{path}: {problem}", flush=True)
    return count, bad, time.process_time()


def main() -> int:
    """Run until the inputs or the time are used up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seeds", type=Path, default=Path(__file__).with_name("seeds"))
    wanted = parser.parse_args()
    begun, jobs = time.monotonic(), wanted.jobs
    with ProcessPoolExecutor(jobs) as pool:
        parts = [
            pool.submit(
                *(hunt, part, (wanted.inputs + part) // jobs),
                *(begun + wanted.seconds, wanted.seed, wanted.seeds),
            )
            for part in range(jobs)
        ]
        counts, bads, seconds = zip(*(part.result() for part in parts), strict=True)
    print(
        f"{sum(counts):,} inputs, {sum(bads)} break a rule; {time.monotonic() - begun:.0f} s, "
        f"{sum(seconds):.0f} s of the processor"
    )
    return int(sum(bads) > 0)


if __name__ == "__main__":
    sys.exit(main())
