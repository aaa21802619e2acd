"""State in a script: the string that a name is given, or that a function is called with."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec

from statetrail.dialects.place import (
    PARAM,
    Declared,
    IssueKeys,
    IssuePlace,
    IssueReader,
    KeyProblem,
    Part,
)
from statetrail.dialects.wire import MAX_FOUND, Body, text

_NAME: Final = re.compile(r"[A-Za-z_$][\w$.-]{0,127}")


class ScriptIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in a string: ``NAME = "…"``, ``NAME: "…"`` or ``NAME("…")``."""

    channel: ClassVar[str] = "script"
    part: ClassVar[Part] = "body"
    says: ClassVar[str] = "the string after `{}` in a script"
    script: str

    def check(self) -> None:
        super().check()
        if not _NAME.fullmatch(self.script.replace(PARAM, "x")):
            raise KeyProblem("script", f"{self.script!r} is no name in a script: mend it")

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)


class _IssueReader(IssueReader):
    def __init__(self, declared: Sequence[Declared[ScriptIssue]]) -> None:
        known = [
            (each.place.script.replace(PARAM, param), param, each.place)
            for each in declared
            for param in each.params
        ]
        self._patterns = [_pattern(name) for name, _, _ in known]
        self.params = tuple(param for _, param, _ in known)
        self.places = tuple(place for _, _, place in known)
        self.needles = tuple(name.encode() for name, _, _ in known)

    def in_body(self, body: Body) -> tuple[str | None, ...]:
        content = body.whole()
        return tuple([_found(pattern, content) for pattern in self._patterns])


def _pattern(name: str) -> re.Pattern[bytes]:
    string = rb"\"((?:[^\"\\\n]|\\.){1,%(max)d})\"|'((?:[^'\\\n]|\\.){1,%(max)d})'"
    before = rb"(?<![\w$])%b[\"']?\s*(?:[:=]|\((?:[^()\"']{0,64},)?)\s*"
    return re.compile(
        before % re.escape(name.encode()) + b"(?:" + string % {b"max": MAX_FOUND} + b")"
    )


def _found(pattern: re.Pattern[bytes], content: bytes) -> str | None:
    match = pattern.search(content)
    if match is None:
        return None
    raw = match[1] if match[1] is not None else match[2]
    try:
        return msgspec.json.decode(b'"' + raw + b'"', type=str)
    except msgspec.DecodeError:
        return text(raw)
