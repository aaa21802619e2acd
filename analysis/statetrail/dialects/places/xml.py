"""State on the root element of an XML response: ``<rsp session="…">``."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import msgspec

from statetrail.dialects.place import (
    PARAM,
    Declared,
    IssuePlace,
    IssueReader,
    KeyProblem,
    OutgoingResponse,
    Part,
)
from statetrail.dialects.wire import Body, BodyError
from statetrail.dialects.xml_root import RootError, root_attributes

# Where a root's start tag ends as a rule: the rest is decoded only where it does not.
_FIRST_LOOK: Final = 2048
_ATTRIBUTE: Final = re.compile(r"@[^\W\d][\w.-]*")


class XmlIssue(msgspec.Struct, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in an attribute (``@name``, without a namespace) of their root."""

    channel: ClassVar[str] = "body"
    part: ClassVar[Part] = "body"
    says_always: ClassVar[bool] = True
    xml: str

    def __post_init__(self) -> None:
        if not _ATTRIBUTE.fullmatch(self.xml.replace(PARAM, "")):
            raise KeyProblem(
                "xml", f"{self.xml!r} names no attribute of the root: write it as '@session'"
            )

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    def attribute(self, param: str) -> str:
        """The attribute's name."""
        return self.xml[1:].replace(PARAM, param)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        response.attributes[self.attribute(param)] = text


class _IssueReader(IssueReader):
    def __init__(self, declared: Sequence[Declared[XmlIssue]]) -> None:
        pairs = [(each.place.attribute(p), p) for each in declared for p in each.params]
        self._attributes = [attribute for attribute, _ in pairs]
        self.params = tuple(param for _, param in pairs)

    def in_body(self, body: Body) -> tuple[str | None, ...]:
        try:
            attributes = _root(body)
        except RootError as error:
            raise BodyError(str(error)) from None
        return tuple([attributes.get(name) for name in self._attributes])


def _root(body: Body) -> dict[str, str]:
    try:
        return root_attributes(body.beginning(_FIRST_LOOK), body.charset)
    except RootError as error:
        if str(error) != "no-root":
            raise
    return root_attributes(body.beginning(), body.charset)
