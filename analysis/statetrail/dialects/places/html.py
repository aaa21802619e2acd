"""State in HTML: in a form's hidden field, a ``meta`` element, or a parameter of its links."""

import html
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

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

_PLACE: Final = re.compile(r"(input|meta) (\S+)|link (;[A-Za-z0-9_.-]+)")
_TAG: Final = re.compile(
    rb"<(input|meta)\b((?:[^<>\"']|\"[^\"]{0,%(max)d}\"|'[^']{0,%(max)d}'){0,512})>"
    % {b"max": MAX_FOUND},
    re.IGNORECASE,
)
_ATTRIBUTE: Final = re.compile(
    rb"([a-z][a-z0-9:_-]{0,63})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE
)


class HtmlIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in an ``input NAME``, a ``meta NAME``, or in ``link ;NAME``."""

    channel: ClassVar[str] = "html"
    part: ClassVar[Part] = "body"
    html: str

    def check(self) -> None:
        super().check()
        if not _PLACE.fullmatch(self.html.replace(PARAM, "x")):
            raise KeyProblem(
                "html",
                f"{self.html!r} is no place in HTML: write it as 'input csrf_token', "
                "'meta csrf-token' or 'link ;jsessionid'",
            )

    def phrase(self, name: str) -> str:
        kind, _, of = name.partition(" ")
        return {
            "input": f"the field `{of}` of a form in the page",
            "meta": f"the page's element `meta` of the name `{of}`",
        }.get(kind, f"the parameter `{of}` of a link in the page")

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)


class _IssueReader(IssueReader):
    media = "html"

    def __init__(self, declared: Sequence[Declared[HtmlIssue]]) -> None:
        known = [
            (each.place.html.replace(PARAM, param).partition(" "), param, each.place)
            for each in declared
            for param in each.params
        ]
        self._places = [(kind, name.encode()) for (kind, _, name), _, _ in known]
        self._links = {
            name: re.compile(re.escape(name) + rb"=([^\"'?#&<>;\s\\]{1,%d})" % MAX_FOUND)
            for kind, name in self._places
            if kind == "link"
        }
        self.params = tuple(param for _, param, _ in known)
        self.places = tuple(place for _, _, place in known)
        self.needles = tuple(name for _, name in self._places)

    def in_body(self, body: Body) -> tuple[str | None, ...]:
        content = body.whole()
        tags = _tags(content, {name for kind, name in self._places if kind != "link"})
        found = []
        for kind, name in self._places:
            if kind == "link":
                match = self._links[name].search(content)
                found.append(html.unescape(text(match[1])) if match else None)
            else:
                found.append(tags.get((kind, name)))
        return tuple(found)


def _tags(content: bytes, names: set[bytes]) -> dict[tuple[str, bytes], str]:
    """The values of the first ``input`` and ``meta`` elements of these names."""
    found: dict[tuple[str, bytes], str] = {}
    if not names:
        return found
    for match in _TAG.finditer(content):
        attributes = {
            key.lower(): double or single or bare
            for key, double, single, bare in _ATTRIBUTE.findall(match[2])
        }
        kind = text(match[1]).lower()
        name = attributes.get(b"name")
        if name in names:
            value = attributes.get(b"content" if kind == "meta" else b"value")
            if value:
                found.setdefault((kind, name), html.unescape(text(value)))
    return found
