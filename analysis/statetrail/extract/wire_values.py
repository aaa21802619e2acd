"""What one exchange says of state: values as they stand on the wire, not yet fit to be kept.

Enters: a request or a response and a `CompiledDialect`. Leaves: `PresentedValue`s and
`IssuedValue`s with raw values, which live for one call of `statetrail.extract.extract`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from statetrail.dialects import Dialect, Param
from statetrail.dialects.grammar import StateValue, parse_state_header, plain_value
from statetrail.dialects.place import IssuedTexts, IssueReader, PresentReader
from statetrail.dialects.wire import Body, FieldLines, Target, unquote
from statetrail.extract.records import Fields

MAX_QUERY_FIELDS: Final = 1000

_MAX_KEY: Final = 256
_MAX_LINE: Final = 4096
_MAX_LINES: Final = 32
_PARAM_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


class CompiledDialect:
    """One dialect with the readers of its places, as single exchanges are read with.

    `presents` and `issues` are the readers by their channels. `clear` are patterns of the values
    that may be stored in clear. `words` are path segments that mean something to the dialect,
    case-folded. `own_fields` are lower-case names of the request header fields that hold state
    alone, `fields` of all that are read; the names of response header fields begin with one of
    `issuing_fields`.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.params = {param.name: param for param in dialect.params}
        self.presents: list[tuple[str, PresentReader]] = [
            (place.channel, place.reader(declared)) for place, declared in dialect.present_places()
        ]
        self.issues: list[tuple[str, IssueReader]] = [
            (place.channel, place.reader(declared)) for place, declared in dialect.issue_places()
        ]
        self.clear = {p.name: re.compile(p.clear) for p in dialect.params if p.clear}
        self.words = dialect.words()
        self.own_fields = frozenset(n for _, reader in self.presents for n in reader.own_fields)
        self.fields = frozenset(name for _, reader in self.presents for name in reader.fields)
        self.issuing_fields = tuple(start for _, reader in self.issues for start in reader.fields)
        self.body_readers = [pair for pair in self.issues if pair[1].params]


class PresentedValue(NamedTuple):
    """A value that the request presents."""

    compiled: CompiledDialect
    param: str
    value: str
    channel: str


class IssuedValue(NamedTuple):
    """A value that the response issues; `param` is `None` for an unknown one.

    `name` is `None` where the name on the wire is no parameter name, which `raw_name` then holds.
    `text` is what stands on the wire.
    """

    compiled: CompiledDialect
    param: Param | None
    name: str | None
    raw_name: str
    state: StateValue
    text: str
    channel: str


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
    raw = b", ".join([value[:_MAX_LINE] for value in values[:_MAX_LINES]])
    return raw[:_MAX_LINE].decode("utf-8", "replace")


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


def presented_in_fields(lines: FieldLines, compiled: CompiledDialect) -> tuple[PresentedValue, ...]:
    """The values that a request presents in its header fields."""
    return tuple(
        PresentedValue(compiled, param, value, channel)
        for channel, reader in compiled.presents
        for param, value in reader.in_fields(lines)
    )


def presented_in_target(target: Target, compiled: CompiledDialect) -> tuple[PresentedValue, ...]:
    """The values that a request presents in its target."""
    return tuple(
        PresentedValue(compiled, param, value, channel)
        for channel, reader in compiled.presents
        if reader.reads_target
        for param, value in reader.in_target(target)
    )


def issued_in_fields(lines: FieldLines, compiled: CompiledDialect) -> tuple[IssuedValue, ...]:
    """The values that a response issues in its header fields."""
    return tuple(
        issued
        for channel, reader in compiled.issues
        if reader.fields
        for texts in reader.in_fields(lines)
        for issued in _issued(texts, channel, compiled)
    )


def issued_in_body(
    values: Sequence[tuple[str | None, ...]], compiled: CompiledDialect
) -> list[IssuedValue]:
    """The values that a response issues in its body: `values` are those of `body_values`."""
    return [
        issued
        for (channel, reader), body_texts in zip(compiled.body_readers, values, strict=True)
        for param, value in zip(reader.params, body_texts, strict=True)
        if value is not None
        for issued in _issued(IssuedTexts(param, param, [value]), channel, compiled)
    ]


def body_values(body: Body, compiled: CompiledDialect) -> list[tuple[str | None, ...]]:
    """What a dialect's places in bodies find in one, by place. Raises `BodyError`."""
    return [reader.in_body(body) for _, reader in compiled.body_readers]


def _issued(texts: IssuedTexts, channel: str, compiled: CompiledDialect) -> Iterator[IssuedValue]:
    param = compiled.params.get(texts.param) if texts.param is not None else None
    # An unknown parameter is known by its lower-case name.
    name = param.name if param else texts.name if _PARAM_NAME.fullmatch(texts.name) else None
    states = [_state(text, param, texts.grammar, compiled) for text in texts.texts]
    # Which of several differing values counts, no client can know; an exact copy of a text says
    # nothing new, and only the first of them is well formed.
    conflicting = len(states) > 1 and len(set(states)) > 1
    for at, (text, state) in enumerate(zip(texts.texts, states, strict=True)):
        problem = state.problem or ("bad-name" if name is None else None)
        if problem is None and (conflicting or at):
            problem = "repeated"
        if problem != state.problem:
            state = StateValue(state.value, problem=problem)
        yield IssuedValue(compiled, param, name, texts.name, state, text, channel)


def _state(
    text: str, param: Param | None, grammar: str | None, compiled: CompiledDialect
) -> StateValue:
    if grammar is not None:
        return parse_state_header(text)
    if param is None:
        return plain_value(text, compiled.dialect.usage(""), "informational", None)
    usage = compiled.dialect.usage(param.name)
    return plain_value(text, usage, param.priority, param.establish)
