"""State in cookies: ``Set-Cookie: sid=…`` in a response, ``Cookie: sid=…`` back (RFC 6265bis).

A family's name is ``{param}`` alone: each cookie is a parameter, of its own name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    IssuedTexts,
    IssueKeys,
    IssuePlace,
    IssueReader,
    KeyProblem,
    Outgoing,
    OutgoingResponse,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.set_cookie import cookie_pairs, read_set_cookie
from statetrail.dialects.wire import FieldLines, text

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")


class CookiePresent(
    Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the cookie of that name."""

    channel: ClassVar[str] = "cookie"
    part: ClassVar[Part] = "header"
    cookie: str

    def check(self) -> None:
        super().check()
        _check(self.cookie)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        pair = f"{self.cookie.replace(PARAM, param)}={value}"
        others = request.fields.get("cookie")
        request.fields["cookie"] = f"{others}; {pair}" if others else pair


class CookieIssue(IssueKeys, IssuePlace, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses issue values in the cookie of that name."""

    channel: ClassVar[str] = "cookie"
    part: ClassVar[Part] = "header"
    cookie: str

    def check(self) -> None:
        super().check()
        _check(self.cookie)

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> IssueReader:
        return _IssueReader(declared)

    def write(self, param: str, text: str, response: OutgoingResponse) -> None:
        response.fields.append(("set-cookie", f"{self.cookie.replace(PARAM, param)}={text}"))


class _PresentReader(PresentReader):
    fields = frozenset((b"cookie",))

    def __init__(self, declared: Sequence[Declared[CookiePresent]]) -> None:
        self._params = {
            each.place.cookie.replace(PARAM, param): param
            for each in declared
            for param in each.params
        }
        self._every = any(each.family and each.place.cookie == PARAM for each in declared)
        # Where every cookie is state, nothing else is in the field.
        self.own_fields = frozenset((b"cookie",)) if self._every else frozenset()

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        fields = lines.get(b"cookie")
        if fields is None:
            return ()
        return [
            (param, value)
            for field in fields
            for name, value in cookie_pairs(text(field))
            if (param := self._params.get(name, name if self._every else None)) is not None
        ]


class _IssueReader(IssueReader):
    fields = (b"set-cookie",)
    names = _NAME
    several = True

    def __init__(self, declared: Sequence[Declared[CookieIssue]]) -> None:
        self._declared = [
            (
                {each.place.cookie.replace(PARAM, param): param for param in each.params},
                each.family and each.place.cookie == PARAM,
                each.place if each.place.transforms else None,
            )
            for each in declared
        ]

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        fields = lines.get(b"set-cookie")
        if fields is None:
            return
        dates = lines.get(b"date", ())
        date = text(dates[0]) if dates else None
        cookies = [read_set_cookie(text(field), date) for field in fields]
        for params, every, place in self._declared:
            for cookie in cookies:
                if cookie is None or not (every or cookie.name in params):
                    continue
                param = params.get(cookie.name)
                yield IssuedTexts(
                    param, cookie.name, [cookie.value], extras=[cookie.extra], place=place
                )


def _check(name: str) -> None:
    if name != PARAM and not _NAME.fullmatch(name.replace(PARAM, "x")):
        raise KeyProblem(
            "cookie", f"{name!r} is no cookie's name (RFC 6265, section 4.1.1): mend it"
        )
