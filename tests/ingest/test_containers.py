"""What a capture may be packed in: the same exchanges, whatever it is, and an end to bombs."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from mitmproxy.test import tflow, tutils

from statetrail.errors import CaptureError
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.ingest import flowfile
from statetrail.ingest import source as opening
from statetrail.ingest.captures import captures_in
from statetrail.ingest.skipped import ReadReport
from support.flowfiles import flow_file
from support.hars import entry, har

DOCUMENT = har(*(entry(time=1000 + n, body=f"<a>é {n}</a>") for n in range(50)))


def zipped(*members: tuple[str, bytes]) -> bytes:
    """A zip file of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def read(path: Path) -> tuple[list[bytes], list[str | None]]:
    """The bodies in a file's captures, and what was lost of each."""
    bodies: list[bytes] = []
    problems = []
    for found in captures_in(path):
        report = ReadReport()
        with found.open() as source:
            exchanges = found.format.exchanges(source, report, Fingerprinter(bytes(16)))
            bodies += [each.response.body if each.response else b"" for each in exchanges]
        problems.append(report.sentence())
    return bodies, problems


BODIES = [f"<a>é {n}</a>".encode() for n in range(50)]


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(lambda d: b"\xef\xbb\xbf\r\n" + d, id="byte order mark"),
        pytest.param(lambda d: d.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(lambda d: d.decode().encode("utf-16-be"), id="UTF-16 BE without a mark"),
        pytest.param(lambda d: gzip.compress(d[:999]) + gzip.compress(d[999:]), id="gzip"),
        pytest.param(zstandard.compress, id="zstd"),
        pytest.param(lambda d: zlib.compress(d, 9), id="mitmproxy's .zhar"),
        pytest.param(lambda d: b"onInputData(" + d + b");", id="HAR Viewer's .harp"),
        pytest.param(lambda d: zipped(("har.har", d), ("a" * 40 + ".json", d)), id="Playwright"),
        pytest.param(lambda d: zipped(("x/", b""), ("x/a.gz", gzip.compress(d))), id="gzip in zip"),
    ],
)
def test_a_capture_is_read_in_any_packing(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """Whatever its name; a body that looks like a capture is none."""
    path = tmp_path / "capture"
    path.write_bytes(pack(DOCUMENT))
    assert read(path) == (BODIES, [None])


def test_a_zip_file_of_several_captures_is_several(tmp_path: Path) -> None:
    """What is no capture is left out, and names cannot leave their line."""
    path = tmp_path / "all.zip"
    path.write_bytes(
        zipped(("../a\n.har", har(entry())), ("read.me", b"{}"), ("b", har(entry(), entry())))
    )
    found = captures_in(path)
    assert [each.name for each in found] == [
        "all.zip:..:a\N{REPLACEMENT CHARACTER}.har",
        "all.zip:b",
    ]
    assert [str(each.label.parent) for each in found] == [str(tmp_path)] * 2
    assert read(path)[1] == [None, None]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, zlib.compress])
def test_of_a_damaged_file_the_beginning_is_read(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """And it is said that it ends early."""
    path = tmp_path / "x"
    packed = pack(har(*(entry(time=n, body=f"{n * 7919}") for n in range(2000))))
    path.write_bytes(packed[: len(packed) * 3 // 4])
    bodies, (problem,) = read(path)
    assert 200 < len(bodies) < 2000
    assert "ends early" in (problem or "")


def test_what_unpacks_to_an_implausible_size_is_read_up_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb costs no more than its limit."""
    monkeypatch.setattr(opening, "MAX_SMALL", 1 << 20)
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(DOCUMENT[:-3] + b" " * (1 << 24)))
    bodies, problems = read(path)
    assert bodies == BODIES
    assert problems[0] is not None
    assert problems[0].startswith("the file unpacks to an implausible size: its first 50 entries")


def test_a_member_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Beside one that can, and alone."""
    path, packets = tmp_path / "all.zip", ("a.pcap", bytes.fromhex("d4c3b2a1020004") + bytes(99))
    path.write_bytes(zipped(packets, ("12", b"12:30 lunch"), ("b", DOCUMENT)))
    (found,) = captures_in(path)
    assert found.lost == "a.pcap in it is a packed packet capture: unpack it first"
    path.write_bytes(zipped(packets))
    with pytest.raises(CaptureError, match="in it is a packed packet capture"):
        captures_in(path)


FLOWS = flow_file(*(tflow.tflow(resp=tutils.tresp(content=b"%d" % n)) for n in range(9)))


@pytest.mark.parametrize(
    ("content", "lost"),
    [
        pytest.param(gzip.compress(FLOWS), None, id="gzip"),
        pytest.param(zipped(("x/a.mitm", FLOWS)), None, id="a member"),
        pytest.param(gzip.compress(FLOWS)[:-8], "the file ends early", id="without gzip's check"),
        pytest.param(
            gzip.compress(FLOWS + b"99999:" + bytes(99_999) + b"}"), "1 too large", id="too large"
        ),
        pytest.param(
            gzip.compress(FLOWS + b"999999:" + bytes(999_999) + b"}"), "implausible", id="a bomb"
        ),
        pytest.param(gzip.compress(FLOWS + b"999999999999:}"), "ends early", id="a false length"),
    ],
)
def test_packed_flow_files_are_read_within_bounds(
    content: bytes, lost: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one as it is in a zip file; lengths in it are not believed."""
    monkeypatch.setattr(opening, "MAX_SMALL", 500_000)
    monkeypatch.setattr(flowfile, "MAX_PACKED", 50_000)
    path = tmp_path / "x"
    path.write_bytes(content)
    bodies, (problem,) = read(path)
    assert bodies == [b"%d" % n for n in range(9)]
    assert problem == lost if lost is None else lost in str(problem)


ENCRYPTED = bytearray(zipped(("a.har", DOCUMENT)))
ENCRYPTED[6] |= 1
ENCRYPTED[ENCRYPTED.rindex(b"PK\x01\x02") + 8] |= 1
MANY = bytearray(zipped(("a", b"")))
MANY[-10:-6] = b"\xff\xff\xff\x7f"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(zipped(("a.har", DOCUMENT))[:-30], "ends early", id="torn"),
        pytest.param(zipped(("a", b"b")), "without a capture", id="something else"),
        pytest.param(bytes(ENCRYPTED), "encrypted", id="encrypted"),
        pytest.param(bytes(MANY), "too many members", id="a directory of 2 GB"),
        pytest.param(b"PK\x03\x04" + b"PK\x05\x06" + bytes(40), "is a", id="nothing"),
    ],
)
def test_a_zip_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """In one line."""
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=message) as caught:
        captures_in(path)
    assert "\n" not in str(caught.value)
