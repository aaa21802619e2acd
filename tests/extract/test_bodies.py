"""The beginning of a body: every coding, stacked, cut, broken, and bombs."""

import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import product

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.bodies import (
    MAX_DECODED,
    MAX_ENCODED,
    CodingError,
    content_codings,
    decode_prefix,
)


def _raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def _members(data: bytes) -> bytes:
    return b"".join(gzip.compress(part) for part in (b"", data[:100], data[100:]))


def _frames(data: bytes) -> bytes:
    return zstandard.compress(data[:9]) + zstandard.compress(data[9:])


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip-members": ("x-gzip", _members),
    "zlib-as-gzip": ("gzip", zlib.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "zstd-frames": (
        "zstd",
        lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:]),
    ),
}
PLAIN = b"<rsp session='t1'>" + bytes(range(256)) * 40
NOISE = os.urandom(3 * MAX_ENCODED)


def encoded(data: bytes, *names: str) -> tuple[bytes, tuple[str, ...]]:
    """Data in the named codings, one upon the other, and what the header says of it."""
    for name in names:
        data = CODINGS[name][1](data)
    return data, tuple(CODINGS[name][0] for name in names)


@pytest.mark.parametrize("name", CODINGS)
def test_each_coding(name: str) -> None:
    """A whole body comes back, and no more of it than was asked for."""
    assert decode_prefix(*encoded(PLAIN, name)) == PLAIN
    assert decode_prefix(*encoded(PLAIN, name), limit=100) == PLAIN[:100]


@pytest.mark.parametrize("names", list(product(["gzip", "deflate-raw", "br", "zstd"], repeat=2)))
def test_codings_upon_codings(names: tuple[str, ...]) -> None:
    """Stacked codings are taken off in reverse order, at most four of them."""
    assert decode_prefix(*encoded(PLAIN, *names), limit=100) == PLAIN[:100]
    assert decode_prefix(*encoded(PLAIN, *names, *names)) == PLAIN
    with pytest.raises(CodingError, match="unknown-coding"):
        decode_prefix(*encoded(PLAIN, *names, *names, "br"))


@pytest.mark.parametrize("name", CODINGS)
def test_a_body_that_was_cut(name: str) -> None:
    """Of a cut body the part before the cut is read."""
    data, codings = encoded(PLAIN[:18] + NOISE, name)
    cut = decode_prefix(data[:20_000], codings)
    assert len(cut) > 100
    assert (PLAIN[:18] + NOISE).startswith(cut)


@pytest.mark.parametrize("name", [name for name in CODINGS if name != "zstd-frames"])
def test_a_body_that_breaks_later_on(name: str) -> None:
    """Bytes that no longer decode cost what comes after them, not what came before."""
    data, codings = encoded(PLAIN[:18] + NOISE, name)
    broken = bytearray(data)
    broken[50_000:] = bytes(255 - byte for byte in broken[50_000:])
    assert decode_prefix(bytes(broken), codings, limit=18) == PLAIN[:18]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_in_its_coding(coding: str) -> None:
    """A wrong label is a broken coding; an unknown one is said to be unknown."""
    with pytest.raises(CodingError, match="broken-coding"):
        decode_prefix(b"<rsp session='t1'/>", (coding,))
    with pytest.raises(CodingError, match="unknown-coding"):
        decode_prefix(b"<rsp session='t1'/>", (coding, "x-own"))


def test_no_more_than_a_bound_leaves() -> None:
    """Neither side of a coding goes beyond its bound."""
    assert len(decode_prefix(bytes(10 * MAX_ENCODED), ())) == MAX_DECODED
    assert len(decode_prefix(*encoded(bytes(10 * MAX_DECODED), "br"))) == MAX_DECODED


@pytest.mark.parametrize(
    ("field", "codings"),
    [
        ("", ()),
        ("identity", ()),
        (" GZIP , , identity,br", ("gzip", "br")),
        ("gzip, gzip", ("gzip", "gzip")),
    ],
)
def test_the_field_names_codings(field: str, codings: tuple[str, ...]) -> None:
    """Any case, blanks, empty members; `identity` is none."""
    assert content_codings(field) == codings


@given(
    st.one_of(
        st.binary(max_size=300),
        st.sampled_from(sorted(CODINGS)).flatmap(
            lambda name: st.integers(0, 60).map(
                lambda at: (d := encoded(PLAIN, name)[0])[:at] + b"\xff\x00" + d[at + 1 :]
            )
        ),
    ),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "?"]), max_size=3).map(tuple),
)
def test_any_bytes_decode_or_are_refused(data: bytes, codings: tuple[str, ...]) -> None:
    """Whatever the bytes: bounded content or a `CodingError`, nothing else."""
    content = b""
    with suppress(CodingError):
        content = decode_prefix(data, codings)
    assert len(content) <= MAX_DECODED


_BOMBS = """
import gzip, resource, sys, time, zlib
import brotli, zstandard
from statetrail.extract.bodies import CodingError, decode_prefix

big = bytes(1 << 26)
raw = zlib.compressobj(9, wbits=-15)
wide = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
bombs = [
    (gzip.compress(big), ("gzip",)),
    (gzip.compress(gzip.compress(big)), ("gzip", "gzip")),
    (zlib.compress(big), ("deflate",)),
    (raw.compress(big) + raw.flush(), ("deflate",)),
    (brotli.compress(big, quality=1), ("br",)),
    (brotli.compress(brotli.compress(big, quality=1)), ("br", "br")),
    (zstandard.compress(big, 1), ("zstd",)),
    (zstandard.compress(zstandard.compress(big, 1)), ("zstd", "zstd")),
    (zstandard.ZstdCompressor(compression_params=wide).compress(big), ("zstd",)),
    (gzip.compress(b"") * 4000, ("gzip",)),
    (bytes.fromhex("502a4d1800000000") * 8000, ("zstd",)),
    (b"\\x03\\x00" * 30000, ("deflate",)),
]
del big
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (48 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for data, codings in bombs:
    began = time.thread_time()
    try:
        content = decode_prefix(data, codings)
        assert len(content) <= 65536 and not any(content), codings
    except CodingError as error:
        assert str(error) == "broken-coding", (codings, error)
    print(codings, round(1000 * (time.thread_time() - began)))
"""


def test_bombs_cost_neither_time_nor_memory() -> None:
    """64 MB of zeros in each coding, and bodies of nothing but headers: no memory, no blow-up."""
    done = subprocess.run([sys.executable, "-c", _BOMBS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    times = [int(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(times) == 12
    assert max(times) < 5000, done.stdout
