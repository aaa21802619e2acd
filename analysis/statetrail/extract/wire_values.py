"""What one exchange says of state: values as they stand on the wire, not yet fit to be kept.

Enters: a request or a response and a `CompiledDialect`. Leaves: `PresentedValue`s and
`IssuedValue`s with raw values, which live for one call of `statetrail.extract.extract`.
"""

import re
import urllib.parse
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from statetrail.dialects import Param, XmlRootIssue
from statetrail.dialects.grammar import MAX_VALUE, StateValue, parse_state_header
from statetrail.extract.bodies import MAX_DECODED, CodingError, decode_prefix
from statetrail.extract.compiled import CompiledDialect
from statetrail.extract.fingerprint import MAX_HASHED, MAX_REMEMBERED
from statetrail.extract.records import Fields, IssuedChannel, PresentedChannel
from statetrail.extract.xml_root import RootError, root_attributes

MAX_QUERY_FIELDS: Final = 1000

type FieldLines = dict[bytes, list[bytes]]
"""Field values by lower-case field name, both in the order of the message."""

_MAX_KEY: Final = 256
_MAX_VALUE: Final = 3 * MAX_HASHED  # percent-encoded, what enters a fingerprint
_MAX_LINE: Final = 4096
_MAX_LINES: Final = 32
# Where a root's start tag ends as a rule: the rest is decoded only where it does not.
_FIRST_LOOK: Final = 2048
_PARAM_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class PresentedValue(NamedTuple):
    """A value that the request presents."""

    compiled: CompiledDialect
    param: Param
    value: str
    channel: PresentedChannel


class IssuedValue(NamedTuple):
    """A value that the response issues; `param` is `None` for an unknown one.

    `name` is `None` where the header's name is no parameter name, which `raw_name` then holds.
    `line` is the whole field value.
    """

    compiled: CompiledDialect
    param: Param | None
    name: str | None
    raw_name: str
    state: StateValue
    line: str
    channel: IssuedChannel


def field_lines(headers: Fields) -> FieldLines:
    """The header fields by name."""
    lines: FieldLines = {}
    for name, value in headers:
        key = name.lower()
        if key in lines:
            lines[key].append(value)
        else:
            lines[key] = [value]
    return lines


def combined(lines: FieldLines, name: bytes) -> str | None:
    """The combined field value of a header (RFC 9110, 5.2), bounded; `None` where not sent."""
    values = lines.get(name)
    if values is None:
        return None
    if len(values) == 1:
        return text(values[0][:_MAX_LINE])
    return ", ".join(text(value[:_MAX_LINE]) for value in values[:_MAX_LINES])


def text(raw: bytes) -> str:
    """Bytes from the network as text, each byte that is no UTF-8 as a lone surrogate."""
    return raw.decode("utf-8", "surrogateescape")


def query_fields(target: bytes) -> tuple[list[tuple[bytes, bytes]], bool]:
    """The query's fields, keys decoded and values not, and whether there were too many.

    An empty, repeated or broken field is no error; ``;`` does not separate fields.
    """
    query = target.partition(b"?")[2].partition(b"#")[0]
    if not query:
        return [], False
    parts = query.split(b"&", MAX_QUERY_FIELDS)
    capped = len(parts) > MAX_QUERY_FIELDS
    fields = []
    for part in parts[:MAX_QUERY_FIELDS]:
        key, _, value = part.partition(b"=")
        fields.append((unquote(key[:_MAX_KEY]), value))
    return fields, capped


def unquote(raw: bytes) -> bytes:
    """A query's key or value, percent-decoded, with ``+`` as a blank."""
    raw = raw.replace(b"+", b" ")
    return urllib.parse.unquote_to_bytes(raw) if b"%" in raw else raw


def presented_values(
    lines: FieldLines, query: Iterable[tuple[bytes, bytes]], compiled: CompiledDialect
) -> list[PresentedValue]:
    """The values that a request presents, by its header fields and its query's fields."""
    found = []
    if not compiled.headers.keys().isdisjoint(lines):
        for name, values in lines.items():
            if (param := compiled.headers.get(name)) is not None:
                found += [
                    PresentedValue(compiled, param, text(value).strip(" \t"), "header")
                    for value in values
                ]
    for key, value in query:
        known = compiled.query.get(key) or compiled.query_folded.get(key.lower())
        if known is not None:
            said = text(unquote(value[:_MAX_VALUE]))
            found.append(PresentedValue(compiled, known, said, "uriquery"))
    return found


def header_issues(lines: FieldLines, compiled: CompiledDialect) -> list[IssuedValue]:
    """The values that a response issues in its header fields."""
    return [
        issue
        for prefix in compiled.prefixes
        for name, values in lines.items()
        if name.startswith(prefix)
        for issue in _header_issues(text(name[len(prefix) :]), values, compiled)
    ]


# The same values are issued again and again.
_parsed: Final = lru_cache(4096)(parse_state_header)


def _header_issues(
    name: str, values: list[bytes], compiled: CompiledDialect
) -> Iterator[IssuedValue]:
    param = compiled.issued.get(name.encode("utf-8", "surrogateescape"))
    # Field names are case-insensitive: an unknown one is known by its lower-case form.
    known = param.name if param else name if _PARAM_NAME.fullmatch(name) else None
    fields = [text(value).strip(" \t") for value in values]
    states = [
        _parsed(field) if len(field) <= MAX_REMEMBERED else parse_state_header(field)
        for field in fields
    ]
    # Which of several differing values counts, no client can know; an exact copy of a header says
    # nothing new, and only the first of them is well formed.
    conflicting = len(states) > 1 and len(set(states)) > 1
    for at, (field, state) in enumerate(zip(fields, states, strict=True)):
        problem = state.problem or ("bad-name" if known is None else None)
        if problem is None and (conflicting or at):
            problem = "repeated"
        if problem != state.problem:
            state = StateValue(state.value, problem=problem)
        yield IssuedValue(compiled, param, known, name, state, field, "header")


def root(body: bytes, codings: tuple[str, ...], charset: str | None) -> dict[str, str] | str:
    """The attributes of a body's XML root; a note where it cannot be read.

    `codings` are the content codings on the body, `charset` is what the head says of its encoding.
    """
    try:
        return _attributes(body, codings, charset) if body else {}
    except (CodingError, RootError) as error:
        return f"body-{error}"


def root_issue(value: str, compiled: CompiledDialect, channel: XmlRootIssue) -> IssuedValue:
    """The value that a response issues on its XML root."""
    param = compiled.dialect.param(channel.param)
    problem = None
    if not value:
        problem = "empty-value"
    elif param is not None and value == param.establish:
        problem = "reserved"
    elif len(value) > MAX_VALUE:
        problem = "too-long"
    elif not value.isprintable() or value != value.strip():
        problem = "control-character"
    state = StateValue(value, channel.usage, channel.priority, problem)
    return IssuedValue(compiled, param, channel.param, channel.param, state, value, "body")


def _attributes(body: bytes, codings: tuple[str, ...], charset: str | None) -> dict[str, str]:
    try:
        return root_attributes(decode_prefix(body, codings, _FIRST_LOOK), charset)
    except RootError as error:
        if str(error) != "no-root":
            raise
    return root_attributes(decode_prefix(body, codings, MAX_DECODED), charset)
