"""What one exchange says of state: values as they stand on the wire, not yet fit to be kept.

Enters: a request or a response and a `CompiledDialect`. Leaves: `PresentedValue`s and
`IssuedValue`s with raw values, which live for one call of `statetrail.extract.extract`.
"""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from statetrail.dialects import Dialect, Param
from statetrail.dialects.cookies import set_cookie, store
from statetrail.dialects.grammar import Priority, StateValue, parse_state_header, plain_value
from statetrail.dialects.model import condition_of
from statetrail.dialects.place import (
    Condition,
    Declared,
    Extra,
    Found,
    IssuedTexts,
    IssueReader,
    PresentReader,
)
from statetrail.dialects.wire import SET_COOKIE, Body, FieldLines, Target, unquote
from statetrail.extract.records import Fields

MAX_QUERY_FIELDS: Final = 1000

_MAX_KEY: Final = 256
_MAX_LINE: Final = 4096
_MAX_LINES: Final = 32
_PARAM_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


type PresentedKind = Literal["value", "ends", "due"]
"""Whether a request presents a value, ends it, or says which one is due."""


def presenting_places(dialect: Dialect) -> dict[PresentedKind, Any]:
    """The places of requests that a dialect reads, by what a value there is."""
    return {
        "value": dialect.present_places(),
        "ends": dialect.ending_places(),
        "due": dialect.due_places(),
    }


class CompiledDialect:
    """One dialect with the readers of its places, as single exchanges are read with.

    `presents` and `issues` are the readers with their channels and conditions (`None`: no
    condition). `clear` are patterns of the values that may be stored in clear. `words` are path
    segments that mean something to the dialect, case-folded. `own_fields` are lower-case names of
    the request header fields that hold state alone, `fields` of all that are read; the names of
    response header fields begin with one of `issuing_fields`. `seen_anywhere`: values are read out
    of scope, too.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.params = {param.name: param for param in dialect.params}
        self.presents: list[Reading[PresentReader]] = [
            Reading(place.channel, place.reader(declared), _condition(declared), kind)
            for kind, places in presenting_places(dialect).items()
            for place, declared in places
        ]
        tied = {
            param.name: tuple(
                each.removeprefix("cookie:") for each in param.tied_to if each.startswith("cookie:")
            )
            for param in dialect.params
        }
        self.tied = [(name, cookies) for name, cookies in tied.items() if cookies]
        self.issues: list[Reading[IssueReader]] = [
            Reading(place.channel, place.reader(declared), _condition(declared))
            for place, declared in dialect.issue_places()
        ]
        self.clear = {p.name: re.compile(p.clear) for p in dialect.params if p.clear}
        self.establish = {p.name: re.compile(p.establish) for p in dialect.params if p.establish}
        self.void = {
            name: re.compile(pattern)
            for name in (*self.params, "")
            if (pattern := dialect.void(name)) is not None
        }
        self.words = dialect.words()
        self.own_fields = frozenset(n for each in self.presents for n in each.reader.own_fields)
        self.fields = frozenset(name for each in self.presents for name in each.reader.fields)
        issuing = [start for each in self.issues for start in each.reader.fields]
        self.issuing_fields = (*issuing, *((SET_COOKIE,) if self.tied else ()))
        self.body_readers = [each for each in self.issues if each.reader.params]
        self.target_readers = [each for each in self.presents if each.reader.reads_target]
        self.request_readers = [each for each in self.presents if each.reader.reads_body]
        self.tells_anywhere = dialect.by_declaration and dialect.tells_anywhere
        self.seen_anywhere = not dialect.by_declaration
        self.always = dialect.has_scope

    def is_void(self, name: str, value: str) -> bool:
        """Whether an issued word is no value."""
        pattern = self.void.get(name if name in self.params else "")
        return pattern is not None and pattern.fullmatch(value) is not None


class Reading[Reader](NamedTuple):
    """A reader of a dialect's declarations of one place under one condition."""

    channel: str
    reader: Reader
    condition: Condition | None
    kind: PresentedKind = "value"


def _condition(declared: Sequence[Declared[Any]]) -> Condition | None:
    condition = condition_of(declared[0].place)
    return condition if condition != Condition() else None


class PresentedValue(NamedTuple):
    """A value that the request presents; `condition`: only in these exchanges."""

    compiled: CompiledDialect
    param: str
    value: str
    channel: str
    condition: Condition | None = None
    kind: PresentedKind = "value"


class IssuedValue(NamedTuple):
    """A value that the response issues; `param` is `None` for an unknown one.

    `name` is `None` where the name on the wire is no parameter name, which `raw_name` then holds.
    `text` is what stands on the wire. `condition`: only in these exchanges. `tells`: the place
    shows that the origin speaks the dialect.
    """

    compiled: CompiledDialect
    param: Param | None
    name: str | None
    raw_name: str
    state: StateValue
    text: str
    channel: str
    condition: Condition | None = None
    extra: Extra = Extra()
    tells: bool = False


def field_lines(headers: Fields) -> FieldLines:
    """The header fields by name.

    No field has a line feed: with one, writers of captures join the fields of one name.
    """
    lines: FieldLines = {}
    for name, value in headers:
        key = name.lower()
        values = value.split(b"\n") if b"\n" in value else [value]
        if key in lines:
            lines[key] += values
        else:
            lines[key] = values
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
        PresentedValue(compiled, param, value, channel, condition, kind)
        for channel, reader, condition, kind in compiled.presents
        for param, value in reader.in_fields(lines)
    )


def presented_in_target(target: Target, compiled: CompiledDialect) -> tuple[PresentedValue, ...]:
    """The values that a request presents in its target."""
    if not compiled.target_readers:
        return ()
    return tuple(
        [
            PresentedValue(compiled, param, value, channel, condition, kind)
            for channel, reader, condition, kind in compiled.target_readers
            for param, value in reader.in_target(target)
        ]
    )


def presented_in_body(body: Body, compiled: CompiledDialect) -> tuple[PresentedValue, ...]:
    """The values that a request presents in its body."""
    return tuple(
        PresentedValue(compiled, param, value, channel, condition, kind)
        for channel, reader, condition, kind in compiled.request_readers
        for param, value in reader.in_body(body)
    )


def issued_in_fields(lines: FieldLines, compiled: CompiledDialect) -> tuple[IssuedValue, ...]:
    """The values that a response issues in its header fields, and the ends of what is tied."""
    return (*_in_fields(lines, compiled), *_untied(lines, compiled))


def _untied(lines: FieldLines, compiled: CompiledDialect) -> Iterator[IssuedValue]:
    """The ends of parameters whose cookie the response deletes (`Param.tied_to`)."""
    if not compiled.tied or SET_COOKIE not in lines:
        return
    # What deletes a cookie has an attribute that says when it ends.
    fields = [field for field in lines[SET_COOKIE] if _LIFETIME.search(field)]
    if not fields:
        return
    cookies = [set_cookie.parse(field.decode("utf-8", "replace")) for field in fields]
    deleted = [each.name for each in cookies if each is not None and store.deletes(each, None)]
    for name, globs in compiled.tied:
        if any(fnmatch.fnmatchcase(cookie, glob) for cookie in deleted for glob in globs):
            param, usage = compiled.params[name], compiled.dialect.usage(name)
            state = StateValue("", usage, "informational")
            yield IssuedValue(
                compiled, param, name, name, state, "", "tied", None, Extra(void=True)
            )


def _in_fields(lines: FieldLines, compiled: CompiledDialect) -> tuple[IssuedValue, ...]:
    return tuple(
        issued
        for reading in compiled.issues
        if reading.reader.fields
        for texts in reading.reader.in_fields(lines)
        for issued in _issued(texts, reading, compiled)
    )


type BodyTexts = tuple[str | Found | None, ...]
"""What a reader finds in a body, for each of its parameters."""


def issued_in_body(values: Sequence[BodyTexts], compiled: CompiledDialect) -> list[IssuedValue]:
    """The values that a response issues in its body: `values` are those of `body_values`."""
    return [
        issued
        for reading, found in zip(compiled.body_readers, values, strict=True)
        for issued in issued_by(reading, found, compiled)
    ]


def issued_by(
    reading: Reading[IssueReader], found: BodyTexts, compiled: CompiledDialect
) -> Iterator[IssuedValue]:
    """The values that a response issues in its body, of what one reader found there."""
    reader = reading.reader
    for param, place, each in zip(reader.params, reader.places, found, strict=True):
        if each is not None:
            text, lifetime_s = each if isinstance(each, Found) else (each, None)
            extras = [Extra(lifetime_s)] if lifetime_s is not None else None
            texts = IssuedTexts(param, param, [text], extras=extras, place=place)
            yield from _issued(texts, reading, compiled)


def body_values(body: Body, compiled: CompiledDialect) -> list[BodyTexts]:
    """What a dialect's places in bodies find in one, by place. Raises `BodyError`."""
    return [in_body(body, each.reader) for each in compiled.body_readers]


def in_body(body: Body, reader: IssueReader) -> BodyTexts:
    """What a reader finds in a body, which may be of another type. Raises `BodyError`."""
    if reader.media and body.media_type and reader.media not in body.media_type:
        return (None,) * len(reader.params)
    if reader.needles:
        content = body.whole()
        for needle in reader.needles:
            if needle in content:
                break
        else:
            return (None,) * len(reader.params)
    return reader.in_body(body)


def _issued(
    texts: IssuedTexts, reading: Reading[IssueReader], compiled: CompiledDialect
) -> Iterator[IssuedValue]:
    param = compiled.params.get(texts.param) if texts.param is not None else None
    reader, place = reading.reader, texts.place
    # An unknown parameter is known by its name.
    name = param.name if param else texts.name if reader.names.fullmatch(texts.name) else None
    values = texts.texts
    extras = texts.extras or [Extra()] * len(values)
    if place is not None:
        taken = [place.value(text) for text in values] if place.transforms else values
        if None in taken:
            kept = [at for at, value in enumerate(taken) if value is not None]
            extras, taken = [extras[at] for at in kept], [taken[at] for at in kept]
        values = [value for value in taken if value is not None]
        if isinstance(place.lifetime, int):
            extras = [each._replace(lifetime_s=place.lifetime) for each in extras]
    states = [_state(text, param, texts.grammar, compiled) for text in values]
    # Which of several differing values counts, no client can know; an exact copy of a text says
    # nothing new, and only the first of them is well formed.
    conflicting = len(states) > 1 and len(set(states)) > 1
    tells = compiled.tells_anywhere or (place is not None and place.tells)
    for at, (text, state, extra) in enumerate(zip(values, states, extras, strict=True)):
        if name is not None and (extra.void or compiled.is_void(name, state.value)):
            extra = extra._replace(void=True)
        free = extra.void or (extra.cookie is not None and state.problem in _COOKIE_MAY)
        problem = None if free else state.problem
        problem = problem or ("bad-name" if name is None else None)
        if problem is None and (conflicting or at):
            problem = "repeated"
        if problem != state.problem:
            usage = compiled.dialect.usage(name or "") if problem is None else None
            priority: Priority | None = "informational" if problem is None else None
            state = StateValue(state.value, usage, priority, problem)
        yield IssuedValue(
            *(compiled, param, name, texts.name, state, text, reading.channel),
            *(reading.condition, extra, tells),
        )


_LIFETIME: Final = re.compile(rb"max-age|expires", re.IGNORECASE)
_COOKIE_MAY: Final = frozenset(("empty-value", "control-character", "reserved"))
"""What is no fault of a cookie's value."""


def _state(
    text: str, param: Param | None, grammar: str | None, compiled: CompiledDialect
) -> StateValue:
    if grammar is not None:
        return parse_state_header(text)
    if param is None:
        return plain_value(text, compiled.dialect.usage(""), "informational", None)
    usage = compiled.dialect.usage(param.name)
    return plain_value(text, usage, param.priority, compiled.establish.get(param.name))
