"""State as it is written in a copy: its values by pseudonyms, in the places where it was found.

Enters: the values of an exchange as on the wire, and what the recorder keeps of them. Leaves:
header fields, query fields and attributes that say the same of pseudonyms. What the recorder stores
in clear stays, as do the words of the protocol.
"""

import re
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from statetrail.dialects import Dialect
from statetrail.dialects.grammar import PRIORITIES, USAGES
from statetrail.dialects.model import condition_of
from statetrail.dialects.place import (
    Condition,
    Declared,
    IssuePlace,
    Outgoing,
    OutgoingResponse,
    PresentPlace,
)
from statetrail.dialects.wire import COOKIE
from statetrail.extract.cache import BoundedCache
from statetrail.extract.fingerprint import Fingerprinter, raw_bytes
from statetrail.extract.state import Issued, Presented
from statetrail.extract.text import is_token
from statetrail.extract.wire_values import (
    CompiledDialect,
    IssuedValue,
    PresentedValue,
    presenting_places,
)
from statetrail.ingest.redact.pseudonyms import Pseudonyms

type Fields = list[tuple[str, str]]
type Hide = Callable[[str], str]
"""Masks a text in which it finds a secret."""

CACHED: Final = 1024
"""States of which what is written is cached."""
_WORDS: Final = frozenset((*USAGES, *PRIORITIES))
_TAIL: Final = rf"\s*(?:{'|'.join(USAGES)})\s*/\s*(?:{'|'.join(PRIORITIES)})\s*"
# Two fields that an intermediary joined: the end of the first one's value.
COMBINED: Final = re.compile(rf"(;{_TAIL},\s*)", re.IGNORECASE)
_COOKIE: Final = COOKIE.decode()
_RUN: Final = re.compile(r"[^\s;,/]+")


_FLAGS: Final = {"secure": "Secure", "httponly": "HttpOnly", "partitioned": "Partitioned"}


def cookie_attributes(value: IssuedValue, facts: Issued, hide: Hide | None) -> str:
    """What a `Set-Cookie` field says besides the value, of what the recorder keeps in clear.

    What holds a secret of another exchange is left out.
    """
    attributes = [f"Domain={facts.cookie_domain}", f"Path={facts.cookie_path}"]
    stays = [one for one in attributes if not one.endswith("=None") and "~" not in one]
    if hide is not None:
        stays = [one for one in stays if hide(one) == one]
    if value.extra.void or value.extra.lifetime_s is not None:
        stays.append(f"Max-Age={0 if value.extra.void else value.extra.lifetime_s}")
    for flag in (facts.cookie_flags or "").split(","):
        if flag in _FLAGS:
            stays.append(_FLAGS[flag])
        elif flag.startswith("samesite="):
            stays.append(f"SameSite={flag.removeprefix('samesite=')}")
    return "".join(f"; {one}" for one in stays)


def is_void_word(issued: IssuedValue) -> bool:
    """Whether a word is issued that its dialect declares to be no value: it is no secret."""
    name, word = issued.param.name if issued.param else "", issued.state.value
    return issued.compiled.is_void(name, word) and not is_token(word)


def encoded(text: str) -> str:
    """A text, percent-encoded."""
    return urllib.parse.quote_from_bytes(raw_bytes(text), safe="")


def query_field(name: str, value: str) -> str:
    """A field of a query, encoded."""
    return f"{encoded(name)}={encoded(value)}"


class CopiedRequest(NamedTuple):
    """What a request presents, by pseudonyms: header fields, fields of the query, encoded, fields
    of a form, and members of a JSON document by pointer."""

    fields: Fields
    query: list[str]
    form: Fields
    members: dict[str, str]


class _Written[Copy](NamedTuple):
    """What was written of a state: of the values as `kept` and as on the wire."""

    kept: tuple[Presented, ...] | tuple[Issued, ...]
    values: Sequence[PresentedValue] | Sequence[IssuedValue]
    copy: Copy


type _Place = tuple[str, str, str | None, Condition | None, str]
"""A dialect, a channel, a parameter or `None` for an unknown one, a condition, and a kind."""


def _keys(
    dialect: Dialect, channel: str, declared: Declared[Any], kind: str = "value"
) -> Iterator[_Place]:
    condition = condition_of(declared.place)
    for param in (*declared.params, *((None,) if declared.family else ())):
        yield dialect.name, channel, param, condition if condition != Condition() else None, kind


class StateCopier:
    """Writes the state of exchanges by pseudonyms.

    `known` are the pseudonyms of the values so far, by the values' fingerprints. What is written of
    one state is cached: many exchanges have the same one, as one object.
    """

    def __init__(
        self,
        dialects: Sequence[CompiledDialect],
        pseudonyms: Pseudonyms,
        fingerprinter: Fingerprinter,
        hide: Hide | None,
    ) -> None:
        self._hide = hide
        self.known: dict[int, str] = {}
        self._requests: BoundedCache[int, _Written[CopiedRequest]] = BoundedCache(CACHED)
        self._responses: BoundedCache[int, _Written[OutgoingResponse]] = BoundedCache(CACHED)
        self._pseudonyms = pseudonyms
        self._fingerprinter = fingerprinter
        self._presents: dict[_Place, PresentPlace] = {}
        self._issues: dict[_Place, IssuePlace] = {}
        for dialect in (compiled.dialect for compiled in dialects):
            for kind, places in presenting_places(dialect).items():
                for present, declared in places:
                    for each in declared:
                        for key in _keys(dialect, present.channel, each, kind):
                            self._presents[key] = each.place
            for issue, issuing in dialect.issue_places():
                for one in issuing:
                    for key in _keys(dialect, issue.channel, one):
                        self._issues[key] = one.place

    def presented(
        self, values: Sequence[PresentedValue], kept: tuple[Presented, ...]
    ) -> CopiedRequest:
        """What a request presents."""
        known = self._requests.get(id(kept))
        if known is None or known.kept is not kept or known.values != values:
            written = _Written(kept, values, self._presented(values, kept))
            known = self._requests.keep(id(kept), written)
        return known.copy

    def _presented(
        self, values: Sequence[PresentedValue], kept: tuple[Presented, ...]
    ) -> CopiedRequest:
        fields: Fields = []
        query: Fields = []
        form: Fields = []
        members: dict[str, str] = {}
        by: dict[tuple[str, str], CompiledDialect] = {}
        for value, facts in zip_longest(values, kept):
            known = value.param if value.param in value.compiled.params else None
            place = self._presents[
                value.compiled.dialect.name, value.channel, known, value.condition, value.kind
            ]
            shown = value.value
            if facts is None or facts.value is None:
                shown = self._pseudonyms.of(value.value)
                self._learn(facts, shown)
            outgoing = Outgoing({}, [])
            name = known or self._name(value.param, facts)
            place.write(name, shown, outgoing)
            # Several dialects may know one field; it stands there once.
            for pairs, ours in (
                (fields, outgoing.fields.items()),
                (query, outgoing.query),
            ):
                for pair in ours:
                    if by.setdefault(pair, value.compiled) is value.compiled:
                        pairs.append(pair)
            # A revocation names one value, of whichever parameter it is.
            form += [pair for pair in outgoing.form if pair not in form]
            members |= outgoing.members
        cookies = [value for name, value in fields if name == _COOKIE]
        others = [field for field in fields if field[0] != _COOKIE]
        joined = [(_COOKIE, "; ".join(cookies))] if cookies else []
        encoded_query = [query_field(*each) for each in query]
        return CopiedRequest([*others, *joined], encoded_query, form, members)

    def issued(self, values: Sequence[IssuedValue], kept: tuple[Issued, ...]) -> OutgoingResponse:
        """What a response issues."""
        known = self._responses.get(id(kept))
        if known is None or known.kept is not kept or known.values != values:
            written = _Written(kept, values, self._issued(values, kept))
            known = self._responses.keep(id(kept), written)
        return known.copy

    def _issued(self, values: Sequence[IssuedValue], kept: tuple[Issued, ...]) -> OutgoingResponse:
        response = OutgoingResponse([], {})
        for value, facts in zip_longest(values, kept):
            param = value.param.name if value.param else None
            place = self._issues[
                value.compiled.dialect.name, value.channel, param, value.condition, "value"
            ]
            name = param or self._name(value.raw_name, facts)
            void = is_void_word(value)
            clear = void or (facts is not None and facts.value is not None)
            if not clear:
                self._learn(facts, self._pseudonyms.of(value.state.value))
            written = self._text(value, clear=clear)
            if facts is not None and value.extra.cookie is not None:
                written += cookie_attributes(value, facts, self._hide)
            place.write(name, written, response)
            # Where the document says how long the value lives.
            pointer, lifetime_s = getattr(place, "lifetime", None), value.extra.lifetime_s
            if isinstance(pointer, str) and pointer.startswith("/") and lifetime_s is not None:
                response.members[pointer] = lifetime_s
        return response

    def _learn(self, facts: Presented | Issued | None, shown: str) -> None:
        if facts is not None:
            self.known[facts.fingerprint] = shown

    def _name(self, raw_name: str, facts: Presented | Issued | None) -> str:
        """The name of a parameter that the dialect does not know."""
        name = self._fingerprinter.pseudonym(raw_name) if facts is None else facts.param
        if is_token(name) or (self._hide is not None and self._hide(name) != name):
            return f"x{self._fingerprinter.pseudonym(name)[1:]}"
        return name

    def _text(self, issued: IssuedValue, *, clear: bool) -> str:
        """What stands on the wire: the value's pseudonym, and the usage and priority behind it."""
        value, text = issued.state.value, issued.text
        before, _, behind = text.partition(value) if value else ("", "", text)
        if not clear:
            # At odd places are the ends of values that were joined.
            value = "".join(
                part if at % 2 else self._pseudonyms.of(part)
                for at, part in enumerate(COMBINED.split(value))
            )
        return f"{before}{value}{_RUN.sub(self._tail_word, behind)}"

    def _tail_word(self, match: re.Match[str]) -> str:
        return match[0] if match[0].lower() in _WORDS else self._pseudonyms.of(match[0])
