"""State in cookies: ``Set-Cookie: sid=…`` in a response, ``Cookie: sid=…`` back (RFC 6265bis).

A family's name is ``{param}`` alone: each cookie is a parameter, of its own name.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

from statetrail.dialects.cookies import dates, set_cookie, store
from statetrail.dialects.place import (
    PARAM,
    Conditional,
    CookieAttributes,
    Declared,
    Extra,
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
from statetrail.dialects.wire import COOKIE, SET_COOKIE, FieldLines, text

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")


class CookiePresent(
    Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the cookie of that name."""

    channel: ClassVar[str] = "cookie"
    part: ClassVar[Part] = "header"
    says: ClassVar[str] = "the cookie `{}`"
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
    part: ClassVar[Part] = "head"
    says: ClassVar[str] = "the cookie `{}`"
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
    fields = frozenset((COOKIE,))

    def __init__(self, declared: Sequence[Declared[CookiePresent]]) -> None:
        self._params = {
            each.place.cookie.replace(PARAM, param): param
            for each in declared
            for param in each.params
        }
        self._every = any(each.family and each.place.cookie == PARAM for each in declared)
        self._bytes = [name.encode() for name in self._params]
        # Where every cookie is state, nothing else is in the field.
        self.own_fields = frozenset((COOKIE,)) if self._every else frozenset()

    def in_fields(self, lines: FieldLines) -> Iterable[tuple[str, str]]:
        fields = lines.get(COOKIE)
        if fields is None or not (self._every or _holds(fields, self._bytes)):
            return ()
        return [
            (param, value)
            for field in fields
            for name, value in set_cookie.pairs(text(field))
            if name and (param := self._params.get(name, name if self._every else None)) is not None
        ]


class _IssueReader(IssueReader):
    fields = (SET_COOKIE,)
    names = _NAME
    several = True

    def __init__(self, declared: Sequence[Declared[CookieIssue]]) -> None:
        self._declared = [
            (
                {each.place.cookie.replace(PARAM, param): param for param in each.params},
                each.family and each.place.cookie == PARAM,
                each.place,
            )
            for each in declared
        ]
        self._every = any(every for _, every, _ in self._declared)
        self._bytes = [name.encode() for params, _, _ in self._declared for name in params]

    def in_fields(self, lines: FieldLines) -> Iterator[IssuedTexts]:
        fields = lines.get(SET_COOKIE)
        if fields is None or not (self._every or _holds(fields, self._bytes)):
            return
        dated = lines.get(b"date", ())
        date_us = dates.parse(text(dated[0])) if dated else None
        cookies = [set_cookie.parse(text(field)) for field in fields]
        for params, every, place in self._declared:
            for cookie in cookies:
                if cookie is None or not cookie.name or not (every or cookie.name in params):
                    continue
                param = params.get(cookie.name)
                yield IssuedTexts(
                    *(param, cookie.name, [cookie.value]),
                    extras=[_extra(cookie, date_us)],
                    place=place,
                )


def _holds(fields: Sequence[bytes], names: Sequence[bytes]) -> bool:
    """Whether one of the names is somewhere in the fields: most dialects read no cookie of these.

    As bytes, before anything is decoded: it is asked of every dialect.
    """
    return any(name in field for field in fields for name in names)


def _extra(cookie: set_cookie.SetCookie, date_us: int | None) -> Extra:
    """What a `Set-Cookie` field says besides the value; an unclear end is none."""
    deletes = store.deletes(cookie, date_us)
    life = store.lifetime(cookie, response_start_us=0, response_end_us=0, date_us=date_us)
    unclear = deletes is None or (life.ends_us is None and life.may_end_us is not None)
    words = {
        "secure": cookie.secure,
        "httponly": cookie.http_only,
        "partitioned": cookie.partitioned,
        f"samesite={cookie.same_site}": cookie.same_site is not None,
        f"refused={cookie.problem}": cookie.problem is not None,
        "unclear": unclear,
    }
    attributes = CookieAttributes(
        cookie.domain, cookie.path, ",".join(word for word, holds in words.items() if holds)
    )
    lifetime_s = None if life.ends_us is None else life.ends_us // 1_000_000
    return Extra(lifetime_s, deletes is True, attributes)


def _check(name: str) -> None:
    if name != PARAM and not _NAME.fullmatch(name.replace(PARAM, "x")):
        raise KeyProblem(
            "cookie", f"{name!r} is no cookie's name (RFC 6265, section 4.1.1): mend it"
        )
