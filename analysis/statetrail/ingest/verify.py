"""Whether an artefact holds a secret that a capture knew.

Enters: captures (HAR and flow files, or stores with their key) and artefacts of any kind. Leaves:
`Leak`s: where a secret is, never what it is. Of a capture the secrets themselves are known, in
memory; of a store their fingerprints, so that what looks like a secret in an artefact is
fingerprinted and compared.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from statetrail.dialects import Dialect
from statetrail.errors import StoreError, UsageError
from statetrail.extract.extractor import ExtractorConfig, wire_state
from statetrail.extract.fingerprint import Fingerprinter, normal_form
from statetrail.extract.records import Exchange
from statetrail.extract.text import MAX_TOKEN, MIN_TOKEN
from statetrail.ingest.artefacts import Piece, pieces_of
from statetrail.ingest.captures import captures_in
from statetrail.ingest.redact.collecting import SecretCollector
from statetrail.ingest.redact.fields import VOCABULARY
from statetrail.ingest.redact.matcher import is_weak, writings
from statetrail.ingest.skipped import ReadReport
from statetrail.store.keys import key_id, key_path, read_key
from statetrail.store.reader import read_store

_RUN: Final = re.compile(rf"[A-Za-z0-9+/=_.~%-]{{{MIN_TOKEN},{MAX_TOKEN}}}".encode())
_JOINTS: Final = re.compile(r"([/=])")
_MAX_PARTS: Final = 12
_SQLITE: Final = b"SQLite format 3\0"
_FORGET: Final = 1 << 18


class Leak(NamedTuple):
    """A secret in an artefact: the file's part, and the offset of the bytes in which it is.

    The offset is that of the secret in what the part holds once it is decoded.
    """

    place: str
    offset: int


class Finder(Protocol):
    """Finds the secrets of captures."""

    def __len__(self) -> int:
        """The number of secrets."""

    def find(self, data: bytes) -> Iterator[int]:
        """Where a secret is in some bytes, or in what they are decoded to."""


def finders(
    captures: Iterable[Path], dialects: tuple[Dialect, ...], key: Path | None
) -> list[Finder]:
    """What finds the secrets of captures and stores.

    Parameters
    ----------
    key
        The key file of the stores; `None`: the one beside each.

    Raises
    ------
    CaptureError, StoreError
        A file is no capture and no store, or has another key.
    UsageError
        None of them knows a secret.
    """
    config = ExtractorConfig(dialects, Fingerprinter(bytes(16)), max_known=0)
    secrets = SecretCollector(config)
    found: list[Finder] = []
    for capture in captures:
        if is_known_by_fingerprints(capture):
            found.append(_of_store(capture, key))
        else:
            for exchange in _exchanges(capture, config):
                secrets.add(exchange, wire_state(exchange, config))
    found.append(secrets.matcher.built(VOCABULARY, words=False))
    found = [finder for finder in found if len(finder)]
    if not found:
        raise UsageError(
            "no secret is known of these captures: there is nothing to look for", page="sharing"
        )
    return found


def leaks(files: Iterable[Path], known: Iterable[Finder]) -> Iterator[Leak]:
    """Where secrets are in files; at most one for each piece of a file and finder."""
    finders = list(known)
    for path in files:
        for piece in pieces_of(path):
            yield from _in(piece, finders)


def _in(piece: Piece, finders: list[Finder]) -> Iterator[Leak]:
    for finder in finders:
        if (at := next(finder.find(piece.data), None)) is not None:
            yield Leak(piece.place, piece.offset + at)


def is_known_by_fingerprints(capture: Path) -> bool:
    """Whether it is a store or a dataset. Raises `UsageError` if it is missing."""
    if capture.is_dir():
        return True
    if not capture.is_file():
        raise UsageError(f"{capture} is no file: name a capture or a store")
    with capture.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _exchanges(capture: Path, config: ExtractorConfig) -> Iterator[Exchange]:
    for found in captures_in(capture):
        with found.open() as source:
            yield from found.format.exchanges(source, ReadReport(), config.fingerprinter)


def _of_store(store: Path, key: Path | None) -> "FingerprintFinder":
    facts, secret = read_store(store), read_key(key or key_path(store))
    if key_id(secret) != facts.key_id:
        raise StoreError(
            f"{key or key_path(store)} is not the key of {store}: name it with --key",
            page="recorder",
        )
    fingerprints: set[int] = set()
    for name in ("issued", "presented"):
        for row in facts.table(name).to_pylist():
            if row["value"] is None:
                fingerprints.update((row["fingerprint"], row["normal_fingerprint"]))
    fingerprints.update(facts.table("token_candidates")["fingerprint"].to_pylist())
    return FingerprintFinder(Fingerprinter(secret), frozenset(fingerprints))


class FingerprintFinder:
    """Finds values of which only the fingerprints are known.

    Each run of characters that tokens have, and each part of it between slashes and equals signs,
    is compared; so a value with other characters (a blank, a quote) is not found.
    """

    def __init__(self, fingerprinter: Fingerprinter, fingerprints: frozenset[int]) -> None:
        self._fingerprinter = fingerprinter
        self._fingerprints = fingerprints
        self._seen: set[bytes] = set()

    def __repr__(self) -> str:
        return "FingerprintFinder(…)"

    def __len__(self) -> int:
        """The number of fingerprints."""
        return len(self._fingerprints)

    def find(self, data: bytes) -> Iterator[int]:
        """Where a value is in some bytes, or in what they are decoded to."""
        for writing in writings(data):
            for match in _RUN.finditer(writing):
                if match[0] in self._seen:
                    continue
                if any(map(self._known, _candidates(match[0].decode("ascii")))):
                    yield match.start()
                else:
                    self._seen.add(match[0])
            if len(self._seen) > _FORGET:
                self._seen.clear()

    def _known(self, candidate: str) -> bool:
        if is_weak(candidate):
            return False
        return (
            self._fingerprinter.fingerprint(candidate) in self._fingerprints
            or self._fingerprinter.fingerprint(normal_form(candidate)) in self._fingerprints
        )


def _candidates(run: str) -> Iterator[str]:
    """The run, and its parts of one or more pieces between slashes and equals signs."""
    pieces = _JOINTS.split(run)[: 2 * _MAX_PARTS]
    for first in range(0, len(pieces), 2):
        for last in range(first, len(pieces)):
            candidate = "".join(pieces[first : last + 1])
            if len(candidate) >= MIN_TOKEN:
                yield candidate
                if (bare := candidate.strip(".~-_")) != candidate:
                    yield bare
