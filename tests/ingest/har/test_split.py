"""Cutting a HAR file into entries: exact on sound files, bounded and unstoppable on others."""

import io
import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.ingest.har.split import CUT, MAX_STRING, has_entries, split_entries
from statetrail.ingest.skipped import TruncatedError
from support.hars import entry, har


class Slow(io.BytesIO):
    """A file that gives a few bytes at a time, so that every boundary is met."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 7, 7))


def split(document: bytes, *, slow: bool = False) -> tuple[list[bytes | None], str | None]:
    """The elements and how the file was torn."""
    found: list[bytes | None] = []
    try:
        for raw in split_entries((Slow if slow else io.BytesIO)(document)):
            assert not isinstance(raw, list)
            found.append(raw)
    except TruncatedError as error:
        return found, str(error)
    return found, None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), JSON, st.booleans(), st.sampled_from([None, 1]))
def test_every_object_of_the_list_comes_out_as_it_went_in(
    elements: list[Any], other: Any, slow: bool, indent: int | None
) -> None:
    """Whatever stands around and inside, each object of log.entries is cut out exactly."""
    document = {"log": {"pages": other, "entries": elements, "browser": other}, "more": other}
    found, torn = split(json.dumps(document, indent=indent).encode(), slow=slow)
    wanted = [e if isinstance(e, dict) else None for e in elements]
    assert [raw if raw is None else json.loads(raw) for raw in found] == wanted
    assert torn is None


@given(
    st.lists(st.tuples(st.dictionaries(st.text(), JSON, max_size=3), st.integers(0, 12))),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'{}[]",\\x\xff \n'))),
    st.booleans(),
)
def test_pieces_of_entries_are_the_entries_one_by_one(
    groups: list[tuple[dict[str, Any], int]], faults: list[tuple[int, int]], slow: bool
) -> None:
    """Whatever is broken in a file, what is decoded in pieces is what is cut out one by one."""
    elements = [{"first": number} | one for one, number in groups for _ in range(number)]
    document = bytearray(json.dumps({"log": {"entries": elements}}).encode())
    for at, byte in faults:
        document[at % len(document)] = byte
    one_by_one, torn = split(bytes(document), slow=slow)
    found: list[Any] = []
    how = None
    try:
        for part in split_entries((Slow if slow else io.BytesIO)(bytes(document)), decoded):
            found += part if isinstance(part, list) else [part]
    except TruncatedError as error:
        how = str(error)
    assert how == torn
    assert len(found) == len(one_by_one)
    for one, raw in zip(found, one_by_one, strict=True):
        assert one == (raw if isinstance(one, bytes | None) else msgspec.json.decode(raw or b""))
    if not faults and len(elements) > 2 and len(groups) == 1:
        assert sum(isinstance(one, dict) for one in found) == len(elements) - 2


def decoded(piece: bytes) -> list[Any] | None:
    """The objects of a JSON list."""
    try:
        return msgspec.json.decode(piece, type=list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def test_truncation_at_every_byte_keeps_exactly_the_complete_entries() -> None:
    """However a file is cut, the entries that ended before the cut are all there is."""
    document = har(entry(body='<a session="}]\\\\é">'), entry(), entry(body=None))
    complete, _ = split(document)
    ends = []
    for raw in complete:
        assert raw is not None
        ends.append(document.index(raw, ends[-1] if ends else 0) + len(raw))
    end_of_list = document.index(b"]", ends[-1]) + 1
    for at in range(len(document)):
        found, torn = split(document[:at], slow=bool(at % 2))
        assert found == complete[: sum(end <= at for end in ends)]
        assert torn == ("ends" if at < end_of_list else None)


@pytest.mark.parametrize(
    ("document", "elements", "torn"),
    [
        pytest.param(b"[]", 0, "foreign", id="a list"),
        pytest.param(b"{}", 0, "foreign", id="an empty object"),
        pytest.param(b'{"entries":[{}]}', 0, "foreign", id="entries elsewhere"),
        pytest.param(b'{"x":{"log":{"entries":[{}]}}}', 0, "foreign", id="a log elsewhere"),
        pytest.param(b'{"log":[{"entries":[{}]}]}', 0, "foreign", id="a list for a log"),
        pytest.param(b'{"log":{"entries":[{"a":1}}', 1, "broken", id="a brace too many"),
        pytest.param(b'{"log":{"entries":[{"a":[}]}', 1, None, id="a bracket too many inside"),
        pytest.param(b'{"log":{"entries":[{"a":"}', 0, "ends", id="an open string"),
        pytest.param(b'{"log":{"entries":[{}]', 1, None, id="only the end is missing"),
        pytest.param(b'{"log":{"entries":[/* a, b */{}, // c\n{}]}}', 2, None, id="comments"),
        pytest.param(b'\xef\xbb\xbf\n{"log":{"entries":[{}]}}', 1, None, id="byte order mark"),
        pytest.param(b'{"log":{"entries":[1,"}",[{"a":[]}],{}]}}', 4, None, id="other elements"),
        pytest.param(b'{"log":{"entries":[' + b"[" * 100_000, 0, "ends", id="100,000 levels"),
    ],
)
def test_what_is_no_har_file_is_told_apart_from_a_torn_one(
    document: bytes, elements: int, torn: str | None
) -> None:
    """Foreign, broken and torn documents say so after what could be had of them."""
    found, how = split(document)
    assert (len(found), how) == (elements, torn)
    assert has_entries(io.BytesIO(document)) == (torn != "foreign")


def test_a_huge_string_costs_a_bounded_amount_of_memory() -> None:
    """A string of 40 MB is cut to a megabyte, marked, and the next entry follows."""
    document = b'{"log":{"entries":[{"text":"' + b"\\u00e9" * 7_000_000 + b'","after":1},{"b":2}]}}'
    stream = io.BytesIO(document)
    tracemalloc.start()
    first, second = split_entries(stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(first, bytes)
    assert peak < 8 * MAX_STRING
    cut = json.loads(first)
    assert cut["after"] == 1
    assert cut["text"].lstrip("é") == CUT
    assert second == b'{"b":2}'


def test_an_entry_of_many_small_parts_is_skipped_when_it_exceeds_all_measure() -> None:
    """An entry of 60 MB of small numbers is no entry; the next one is."""
    document = b'{"log":{"entries":[{"a":[' + b"1," * 30_000_000 + b"1]},{}]}}"
    assert split(document) == ([None, b"{}"], None)
