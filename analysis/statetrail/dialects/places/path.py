"""State in the path of a request's target: ``/cart;jsessionid=…`` or ``/guest-carts/…/items``."""

import re
import urllib.parse
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    KeyProblem,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.wire import MAX_VALUE_BYTES, Target

_SEGMENT: Final = re.compile(r"[^/{}]+(?:/[^/{}]+)*/\{\}")
_PARAMETER: Final = re.compile(r";[A-Za-z0-9_.-]+")


class PathPresent(Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests present values in a segment's parameter (``;name``), or in the segment that follows
    others (``carts/{}``)."""

    channel: ClassVar[str] = "path"
    part: ClassVar[Part] = "path"
    path: str

    def check(self) -> None:
        super().check()
        if not (_SEGMENT.fullmatch(self.path) or _PARAMETER.fullmatch(_name(self.path))):
            raise KeyProblem(
                "path",
                f"{self.path!r} is no place in a path: write it as ';jsessionid' or 'carts/{{}}'",
            )

    def phrase(self, name: str) -> str:
        if name.startswith(";"):
            return f"the parameter `{name}` of the path"
        return f"the path, as the last segment of `{name}`"

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)


class _PresentReader(PresentReader):
    reads_target = True

    def __init__(self, declared: Sequence[Declared[PathPresent]]) -> None:
        self._parameters: dict[str, str] = {}
        self._segments: list[tuple[list[str], str]] = []
        for each in declared:
            for param in each.params:
                if each.place.path.startswith(";"):
                    name = each.place.path[1:].replace(PARAM, param)
                    self._parameters[name.lower()] = param
                else:
                    self._segments.append((each.place.path.split("/")[:-1], param))

    def in_target(self, target: Target) -> list[tuple[str, str]]:
        found = []
        plain = []
        for segment in target.segments:
            name, *parameters = segment.split(";")
            plain.append(name)
            for parameter in parameters:
                key, separator, value = parameter.partition("=")
                if separator and (param := self._parameters.get(key.lower())) is not None:
                    found.append((param, _value(value)))
        for before, param in self._segments:
            length = len(before)
            found += [
                (param, _value(plain[at + length]))
                for at in range(len(plain) - length)
                if plain[at : at + length] == before and plain[at + length]
            ]
        return found


def _name(path: str) -> str:
    return path.replace(PARAM, "x")


def _value(raw: str) -> str:
    return urllib.parse.unquote(raw[:MAX_VALUE_BYTES], errors="surrogateescape")
