"""What the path of a request target says, remembered, since paths repeat.

Enters: request targets. Leaves: `Path`s: what dialects compare, the storable path and endpoint, the
values in it that may be tokens, and whether it is in scope of each dialect.
"""

import urllib.parse
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from statetrail.dialects import Dialect, XmlRootIssue
from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.masking import writings
from statetrail.extract.records import MAX_TOKEN_CANDIDATES, MAX_VALUES
from statetrail.extract.text import decoded_path, mask_path, segment_kind, target_segments

REMEMBERED: Final = 4096
"""Paths that are remembered."""
MAX_REMEMBERED: Final = 512
"""Bytes of a path that is remembered."""
MIN_LENGTH: Final = 10
"""Characters from which on a text may be a token."""
MAX_LENGTH: Final = 4096
MAX_PARTS: Final = 64


class Path(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a path says while it holds no secret of its exchange; compared by identity.

    Attributes
    ----------
    writings
        The path, as secrets are looked for in it.
    names
        Its segments, decoded and case-folded.
    shown, endpoint
        The storable path and the endpoint template.
    traces
        Fingerprints of what may be a token in it; a few more than are kept, since presented ones
        are none.
    in_scope
        Whether it is in scope, by dialect.
    roots
        Attributes of XML roots that issue, of the dialects in whose scope it is.
    """

    writings: str
    names: frozenset[str]
    shown: str
    endpoint: str
    token_candidates: tuple[int, ...]
    in_scope: tuple[bool, ...]
    roots: tuple[str, ...]


class Paths:
    """The paths that were seen last."""

    __slots__ = ("_dialects", "_fingerprinter", "_known")

    def __init__(self, dialects: tuple[Dialect, ...], fingerprinter: Fingerprinter) -> None:
        self._dialects = dialects
        self._fingerprinter = fingerprinter
        self._known: BoundedCache[bytes, Path] = BoundedCache(REMEMBERED)

    def of(self, target: bytes) -> Path:
        """The path of a request target."""
        key = target.partition(b"?")[0]
        if (path := self._known.get(key)) is not None:
            return path
        path = self._read(target)
        return self._known.keep(key, path) if len(key) <= MAX_REMEMBERED else path

    def _read(self, target: bytes) -> Path:
        segments = target_segments(target)
        decoded = decoded_path(target)
        shown, endpoint = mask_path(target, self._fingerprinter)
        text = target[:MAX_LENGTH].decode("utf-8", "surrogateescape")
        candidates = dict.fromkeys(map(self._fingerprinter.fingerprint, path_values(text)))
        return Path(
            writings="\0".join(writings("/".join(segments))),
            names=frozenset(
                urllib.parse.unquote(segment.partition(";")[0]).casefold() for segment in segments
            ),
            shown=shown,
            endpoint=endpoint,
            token_candidates=tuple(islice(candidates, MAX_TOKEN_CANDIDATES + MAX_VALUES)),
            in_scope=tuple(dialect.in_scope(decoded) for dialect in self._dialects),
            roots=tuple(
                issue.attribute
                for dialect in self._dialects
                if dialect.in_scope(decoded)
                for issue in dialect.issues
                if isinstance(issue, XmlRootIssue)
            ),
        )


def path_values(path: str) -> Iterator[str]:
    """What may be a token in a path."""
    for segment in path.partition("?")[0].split("/", MAX_PARTS)[1:MAX_PARTS]:
        # Matrix parameters carry session ids as a rule.
        for part in segment.split(";", MAX_PARTS):
            value = decoded_value(part)
            if is_token(value):
                yield value
            name, equals, value = value.partition("=")
            if equals and name and is_token(value):
                yield value


def is_token(value: str) -> bool:
    """Whether a text looks like a token."""
    return MIN_LENGTH <= len(value) <= MAX_LENGTH and segment_kind(value) == "opaque"


def decoded_value(value: str) -> str:
    """A text, percent-decoded."""
    return urllib.parse.unquote(value, errors="surrogateescape") if "%" in value else value
