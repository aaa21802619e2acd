"""Splits a HAR file into its entries without loading it.

Enters: a stream of JSON text. Leaves: the bytes of each element of ``log.entries``, one at a time,
with overlong strings cut. No entry can prevent the next from being read or take unbounded memory:
general streaming parsers give up the rest of a file at the first broken escape, and the fast ones
fail at numbers of some thousand digits.

Only strings and brackets are parsed here; an entry's JSON is checked when it is decoded.

Most files are sound. Where the caller can decode a list, pieces of many entries are given to it at
once: a piece ends where the text between the two entries before is found again. JSON is read from
left to right, so a piece that begins with an entry and that is a list in brackets ends with one.
The first fault in a piece leads back to entry by entry, for as far as the fault reaches.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from statetrail.ingest.skipped import TruncatedError
from statetrail.ingest.source import Stream

MAX_STRING: Final = 1 << 20
"""Maximum bytes of one JSON string; a longer one is cut."""
MAX_ENTRY: Final = 1 << 25
"""Maximum bytes of one entry with its strings cut; a larger one is skipped."""
CUT: Final = "\ufffe"
"""Marks the end of a cut string: a noncharacter, which valid text does not contain."""

MAX_PIECE: Final = 1 << 17
"""Maximum bytes of a piece: entries of more than twice that are split one by one."""
MIN_PIECE: Final = 1 << 12
"""Bytes of a piece below which entries are split one by one."""

_CHUNK: Final = 1 << 18
_BLANKS: Final = b" \t\r\n\0);\x1a"
"""What may follow a document, and be none: fillings, and the end of a function's call."""
_CUT_UTF8: Final = CUT.encode()
# Possessive throughout: no byte is scanned twice.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


def _object_rest(levels: int) -> str:
    """The rest of an object whose inner objects are at most `levels` deep."""
    inner = rf"|\{{{_object_rest(levels - 1)}\}}" if levels else ""
    return rf'[^"{{}}]*+(?:(?:{_STRING}{inner})[^"{{}}]*+)*+'


def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.DOTALL)


_BRACKET: Final = _compiled(rf'[^"\[\]{{}}]*+(?:({_STRING})|[\[\]{{}}])')
_PLAIN_ENTRY: Final = _compiled(_object_rest(5) + r"\}")
_TO_BRACE: Final = _compiled(_object_rest(0))
_WHOLE_CHARACTERS: Final = _compiled(r'"(?:[^"\\]++|\\u[0-9A-Fa-f]{4}|\\[^u])*+')
_BETWEEN: Final = _compiled(r'\s*,\s*\{\s*"[^"\\]{1,64}"\s*:')
# Between entries, of files that people wrote; without strings and brackets in it.
_COMMENT: Final = _compiled(r"/\*(?:[^*]|\*(?!/))*+\*/|//[^\n]*+")
_FIRST: Final = _compiled(r"\s*,?\s*\{")
_REST_OF_STRING: Final = _compiled(r'(?:[^"\\]++|\\.)*+')


def split_entries[T](
    stream: Stream,
    decode: Callable[[bytes], list[T] | None] = lambda _: None,
    keys: tuple[str, ...] = ("log", "entries"),
) -> Iterator[list[T] | bytes | None]:
    """The elements of ``log.entries`` as JSON bytes; `None` for one that is no entry.

    `keys` are the names of the members that lead to another list; none: it is the document.

    Elements that are no objects or exceed `MAX_ENTRY` are no entries. What `decode` gives for a
    JSON list of some entries stands for them; `None`: it cannot, and they come one by one. Raises
    `TruncatedError` after the last complete element: the file ``ends`` early, is ``broken``, has
    such a list ``again`` or ``more`` behind the document, or is ``foreign``, that is no HAR file.
    """
    window = _Window(stream)
    if not _find_entries(window, keys):
        raise TruncatedError("foreign")
    while True:
        while (piece := window.piece()) is not None:
            decoded = decode(piece)
            window.take_piece(sound=decoded is not None)
            if decoded is not None:
                yield decoded
        gap, token = window.token()
        if b"/" in gap:
            gap = _COMMENT.sub(b"", gap)
        for scalar in gap.split(b","):  # a number, true, false or null
            if scalar.strip():
                yield None
        if token == b"{":
            yield window.entry()
        elif token == b"[":
            _skip_array(window)
            yield None
        elif token.startswith(b'"'):
            yield None
        elif token == b"]":
            _check_end(window, keys)
            return
        else:
            raise TruncatedError("broken")


def _check_end(window: "_Window", keys: tuple[str, ...]) -> None:
    """Raise `TruncatedError` if another such list follows, or something behind the document."""
    try:
        if keys and _find_entries(window, keys, behind=True):
            raise TruncatedError("again")
        rest = window.rest()
    except TruncatedError as error:
        if str(error) == "again":
            raise
        return  # all entries are there
    if rest:
        raise TruncatedError("more")


def has_entries(stream: Stream) -> bool:
    """Whether this may be a HAR file: JSON with a list ``log.entries``, or truncated before it."""
    try:
        return _find_entries(_Window(stream), ("log", "entries"))
    except TruncatedError:
        return True


def _find_entries(window: "_Window", keys: tuple[str, ...], *, behind: bool = False) -> bool:
    """Go to the first element of the list; `False` if the document has no such list.

    `behind`: the window is behind the end of such a list.
    """
    names = [b"", *(f'"{key}"'.encode() for key in keys)]
    depth, path, key = 0, [b""] * len(names), b""
    if behind:
        depth, path = len(keys), [*names[:-1], b""]
    while True:
        gap, token = window.token()
        is_value = gap.rstrip().endswith(b":")
        if token.startswith(b'"'):
            key = b"" if is_value else token
        elif token in b"{[":
            if depth < len(names):
                path[depth] = key if is_value else b""
                if depth == len(names) - 1 and token == b"[" and path == names:
                    return True
            if depth == 0 and token == b"[":
                return False
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return False


def _skip_array(window: "_Window") -> None:
    depth = 1
    while depth:
        _, token = window.token()
        depth += (token in b"[{") - (token in b"]}")


class _Window:
    """The part of the file in memory, and the position in it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0
        # What stands between two entries, with the name of the second one's first member.
        self._between = b""
        self._entry_end = self._piece_end = -1
        self._reach = MAX_PIECE

    def piece(self) -> bytes | None:
        """Some of the next entries as a JSON list; `None` if the next one has to be split.

        Nothing is read by that; `take_piece` does.
        """
        if self._reach < MIN_PIECE:
            self._reach = MIN_PIECE
            return None
        while len(self._buffer) - self._at < 2 * self._reach and self._read():
            pass
        start = self._at
        if start == self._entry_end and (seen := _BETWEEN.match(self._buffer, start)):
            self._between = b"}" + seen[0]
        between = self._between
        if not between or (first := _FIRST.match(self._buffer, start)) is None:
            return None
        end = self._buffer.rfind(between, start, start + self._reach)
        if end < 0:
            end = self._buffer.find(between, start + self._reach, start + 2 * self._reach)
            if end < 0:
                return None
        self._piece_end = end + 1
        return b"[" + self._buffer[first.end() - 1 : end + 1] + b"]"

    def take_piece(self, *, sound: bool) -> None:
        """Go behind the last piece, or back to a smaller one where it is not `sound`."""
        if sound:
            self._at = self._entry_end = self._piece_end
            self._reach = min(2 * self._reach, MAX_PIECE)
        else:
            self._reach //= 2

    def token(self) -> tuple[bytes, bytes]:
        """The next string or bracket, and the bytes before it. May raise `TruncatedError`."""
        while (match := _BRACKET.match(self._buffer, self._at)) is None:
            if len(self._buffer) - self._at > MAX_STRING:
                # No relevant name is that long: skip the string, or the blanks.
                quote = self._buffer.find(b'"', self._at)
                self._at = len(self._buffer) if quote < 0 else quote + 1
                if quote >= 0:
                    self._skip_string()
                    return b"", b'""'
            self._more()
        token = match[1] or self._buffer[match.end() - 1 : match.end()]
        gap = self._buffer[self._at : match.end() - len(token)]
        self._at = match.end()
        return gap, token

    def entry(self) -> bytes | None:
        """The object whose opening brace was just read; `None` if it is too large to keep."""
        if (match := _PLAIN_ENTRY.match(self._buffer, self._at)) is not None:
            self._at = self._entry_end = match.end()
            return b"{" + match[0]
        parts, size, depth, start = [b"{"], 1, 1, self._at
        while depth:
            at = match.end() if (match := _TO_BRACE.match(self._buffer, self._at)) else self._at
            if (byte := self._buffer[at : at + 1]) in (b"{", b"}"):
                self._at = at + 1
                depth += 1 if byte == b"{" else -1
                continue
            # Everything up to here is complete; an unfinished string may follow.
            part = self._buffer[start:at]
            self._at = at
            if len(self._buffer) - at > MAX_STRING:
                whole = _WHOLE_CHARACTERS.match(self._buffer, at, at + MAX_STRING)
                part += (whole[0] if whole else b'"') + _CUT_UTF8 + b'"'
                self._at += 1
                self._skip_string()
            else:
                self._more()
            start = self._at
            size += len(part)
            if size <= MAX_ENTRY:
                parts.append(part)
        part = self._buffer[start : self._at]
        self._entry_end = self._at
        return b"".join((*parts, part)) if size + len(part) <= MAX_ENTRY else None

    def rest(self) -> bytes:
        """What follows, but blanks; at most some of it."""
        while not self._buffer[self._at :].strip(_BLANKS):
            self._at = len(self._buffer)
            if not self._read():
                return b""
        return self._buffer[self._at :].strip(_BLANKS)[:64]

    def _skip_string(self) -> None:
        """Go to the end of the current string."""
        while True:
            if (rest := _REST_OF_STRING.match(self._buffer, self._at)) is not None:
                self._at = rest.end()
            if self._buffer[self._at : self._at + 1] == b'"':
                self._at += 1
                return
            self._more()

    def _more(self) -> None:
        if not self._read():
            raise TruncatedError("ends")

    def _read(self) -> bool:
        """Read on; `False` at the end of the file."""
        chunk = self._stream.read(_CHUNK)
        if chunk:
            self._buffer = self._buffer[self._at :] + chunk
            self._entry_end -= self._at
            self._at = 0
        return bool(chunk)
