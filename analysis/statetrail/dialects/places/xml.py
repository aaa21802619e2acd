"""State in XML: on the root of a response, ``<rsp session="…">``, or in an element of it."""

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
    OutgoingResponse,
    Part,
)
from statetrail.dialects.wire import MAX_FOUND, Body, BodyError, text
from statetrail.dialects.xml_root import RootError, root_attributes

# Where a root's start tag ends as a rule: the rest is decoded only where it does not.
_FIRST_LOOK: Final = 2048
_NAME: Final = re.compile(r"@?[^\W\d][\w.-]*")


class XmlIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in an attribute (``@name``) of their root, or in an element.

    Neither is looked for by its namespace.
    """

    channel: ClassVar[str] = "body"
    part: ClassVar[Part] = "body"
    xml: str

    def check(self) -> None:
        super().check()
        if not _NAME.fullmatch(self.xml.replace(PARAM, "")):
            raise KeyProblem(
                "xml",
                f"{self.xml!r} names no attribute of the root and no element: write it as "
                "'@session' or 'SessionToken'",
            )

    def phrase(self, name: str) -> str:
        if name.startswith("@"):
            return f"the attribute `{name[1:]}` of the XML document's root"
        return f"the element `{name}` of the XML document"

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    @property
    def says_always(self) -> bool:
        return self.xml.startswith("@")

    def named(self, param: str) -> str:
        """The attribute, with its ``@``, or the element that issues a parameter."""
        return self.xml.replace(PARAM, param)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        if self.xml.startswith("@"):
            response.attributes[self.named(param)[1:]] = text


class _IssueReader(IssueReader):
    def __init__(self, declared: Sequence[Declared[XmlIssue]]) -> None:
        known = [(each.place.named(p), p, each.place) for each in declared for p in each.params]
        self._names = [name for name, _, _ in known]
        self._elements = {
            name: re.compile(
                rb"<(?:[\w.-]{1,64}:)?%b(?:\s[^<>]{0,1024})?>([^<]{1,%d})</"
                % (re.escape(name.encode()), MAX_FOUND)
            )
            for name in self._names
            if not name.startswith("@")
        }
        self.params = tuple(param for _, param, _ in known)
        self.places = tuple(place for _, _, place in known)
        self._has_root = len(self._elements) < len(known)
        if not self._has_root:
            self.needles = tuple(name.encode() for name in self._elements)
            self.media = "xml"

    def in_body(self, body: Body) -> tuple[str | None, ...]:
        attributes: dict[str, str] = {}
        if self._has_root:
            try:
                attributes = _root(body)
            except RootError as error:
                if not self._elements:
                    raise BodyError(str(error)) from None
        return tuple([self._found(name, attributes, body) for name in self._names])

    def _found(self, name: str, attributes: dict[str, str], body: Body) -> str | None:
        if name.startswith("@"):
            return attributes.get(name[1:])
        match = self._elements[name].search(body.whole())
        return html.unescape(text(match[1])).strip() if match else None


def _root(body: Body) -> dict[str, str]:
    try:
        return root_attributes(body.beginning(_FIRST_LOOK), body.charset)
    except RootError as error:
        if str(error) != "no-root":
            raise
    return root_attributes(body.beginning(), body.charset)
