"""What the head of a message says, remembered, since clients and servers repeat theirs.

Enters: header fields as on the wire. Leaves: `Asked` of a request and `Answered` of a response:
what dialects find in them, and the texts that are kept of them where no secret is near. Fields
that say nothing of state or of the client (dates, lengths, validators) do not tell heads apart.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import Final

import msgspec

from statetrail.extract.bodies import content_codings
from statetrail.extract.cache import Memory
from statetrail.extract.compiled import Plan
from statetrail.extract.fingerprint import Pseudonymiser
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.records import MAX_SIGHTINGS, MAX_TRACES, Fields, Place
from statetrail.extract.text import clean
from statetrail.extract.token_candidates import DULL, header_traces
from statetrail.extract.wire_values import (
    FieldLines,
    Issue,
    Presentation,
    combined,
    field_lines,
    header_issues,
    presentations,
)

MAX_USER_AGENT: Final = 256
REMEMBERED: Final = 2048
"""Heads of either kind that are remembered."""
MAX_REMEMBERED: Final = 2048
"""Bytes of a head that is remembered."""
MAX_NAMES: Final = 4096
MAX_NAME: Final = 64

# What a response's head is read for besides issues.
_READ: Final = frozenset(
    b"content-encoding content-type cache-control age access-control-expose-headers".split()
)
_CHARSET: Final = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9._:\[\]-]{1,255}")
_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_DIRECTIVE: Final = re.compile(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|(?:no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|private|public|immutable"
    r"|must-understand)"
)
_SECONDS: Final = re.compile(r"[0-9]{1,10}")


class AskedTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a request's head."""

    agent: str | None
    origin: str | None
    client: str | None


class Asked(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a request's head says; compared by identity.

    Attributes
    ----------
    presented
        The values that it presents, by plan.
    traces
        What may be a token in it; a few more than are kept, since presented ones are none.
    agent, origin, client
        ``User-Agent``, ``Origin`` and the header that tells clients apart.
    texts
        What may be kept of these where no secret is near.
    writings
        All of them, as secrets are looked for in them.
    """

    presented: tuple[tuple[Presentation, ...], ...]
    traces: tuple[tuple[Place, int], ...]
    agent: str | None
    origin: str | None
    client: str | None
    texts: AskedTexts
    writings: str


class AnsweredTexts(msgspec.Struct, frozen=True, gc=False):
    """What may be kept of a response's head."""

    cache_control: str | None = None
    age_s: int | None = None
    exposed: str | None = None


class Answered(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What a response's head says; compared by identity.

    Attributes
    ----------
    issued
        The values that it issues, by plan.
    codings, charset
        How the body is written.
    cache_control, age, exposed
        ``Cache-Control``, ``Age`` and ``Access-Control-Expose-Headers``.
    texts
        What may be kept of these where no secret is near.
    writings, words
        All of them, as secrets are looked for in them: within, and as a whole.
    """

    issued: tuple[tuple[Issue, ...], ...]
    codings: tuple[str, ...] = ()
    charset: str | None = None
    cache_control: str | None = None
    age: str | None = None
    exposed: str | None = None
    texts: AnsweredTexts = AnsweredTexts()
    writings: str = ""
    words: frozenset[str] = frozenset()


class _Dull(Memory[bytes, bool]):
    """Names of fields, as they were written, by whether they say nothing."""

    __slots__ = ("_is_dull",)

    def __init__(self, is_dull: Callable[[bytes], bool]) -> None:
        super().__init__(MAX_NAMES)
        self._is_dull = is_dull

    def __missing__(self, name: bytes) -> bool:
        dull = self._is_dull(name.lower())
        return self.keep(name, dull) if len(name) <= MAX_NAME else dull


class Heads:
    """The heads that were seen last.

    Parameters
    ----------
    plans
        What is looked for in them.
    pseudonyms
        Names the traces.
    client_header
        Lower-case name of the header that tells clients apart.
    hides_client
        Whether it carries a credential.
    """

    __slots__ = (
        "_answered", "_asked", "_client_header", "_dull_answered", "_dull_asked", "_hides_client",
        "_nothing", "_plans", "_presents", "_pseudonyms", "_reads",
    )  # fmt: skip

    def __init__(
        self,
        plans: tuple[Plan, ...],
        pseudonyms: Pseudonymiser,
        client_header: str | None,
        *,
        hides_client: bool,
    ) -> None:
        self._plans = plans
        self._pseudonyms = pseudonyms
        self._client_header = client_header.encode() if client_header is not None else None
        self._hides_client = hides_client
        self._presents = frozenset(name for plan in plans for name in plan.headers)
        self._reads = self._presents | {b"user-agent", b"origin", b"referer", self._client_header}
        self._asked: Memory[Fields, Asked] = Memory(REMEMBERED)
        self._answered: Memory[Fields, Answered] = Memory(REMEMBERED)
        self._dull_asked = _Dull(self._is_dull_asked)
        self._dull_answered = _Dull(self._is_dull_answered)
        self._nothing = Answered(tuple(() for _ in plans))

    def asked(self, fields: Fields) -> Asked:
        """What a request's head says."""
        telling = _telling(fields, self._dull_asked)
        if (known := self._asked.get(telling)) is not None:
            return known
        asked = self._read_asked(telling)
        return self._asked.keep(telling, asked) if _is_small(telling) else asked

    def answered(self, fields: Fields | None) -> Answered:
        """What a response's head says; nothing, of no response."""
        if fields is None:
            return self._nothing
        telling = _telling(fields, self._dull_answered)
        if (known := self._answered.get(telling)) is not None:
            return known
        answered = self._read_answered(telling)
        return self._answered.keep(telling, answered) if _is_small(telling) else answered

    def asked_texts(self, asked: Asked, secrets: Secrets) -> AskedTexts:
        """What may be kept of a request's head, without the secrets of its exchange."""
        agent, origin, client = asked.agent, asked.origin, asked.client
        if client is not None:
            client = (
                self._pseudonyms.pseudonym(client)
                if self._hides_client
                else clean(secrets.hide(client), 128)
            )
        if origin is not None:
            origin = secrets.hide(origin) if _ORIGIN.fullmatch(origin) else "(malformed)"
        return AskedTexts(
            None if agent is None else clean(secrets.hide(agent), MAX_USER_AGENT), origin, client
        )

    def _is_dull_asked(self, name: bytes) -> bool:
        return name in DULL and name not in self._reads

    def _is_dull_answered(self, name: bytes) -> bool:
        return name not in _READ and not any(name.startswith(p.prefixes) for p in self._plans)

    def _read_asked(self, fields: Fields) -> Asked:
        lines = field_lines(fields)
        agent, origin = combined(lines, b"user-agent"), combined(lines, b"origin")
        client = combined(lines, self._client_header) if self._client_header is not None else None
        heard = Asked(
            presented=tuple(tuple(presentations(lines, (), plan)) for plan in self._plans),
            traces=tuple(
                islice(
                    header_traces(lines, self._presents, self._pseudonyms),
                    # Those that the request presents fall out later, of both places.
                    MAX_TRACES + 2 * MAX_SIGHTINGS,
                )
            ),
            agent=agent,
            origin=origin,
            client=client,
            texts=AskedTexts(None, None, None),
            writings=_all_writings(agent, origin, client),
        )
        return msgspec.structs.replace(
            heard, texts=self.asked_texts(heard, Secrets(self._pseudonyms))
        )

    def _read_answered(self, fields: Fields) -> Answered:
        lines = field_lines(fields)
        codings, charset = body_coding(lines)
        cache_control = combined(lines, b"cache-control")
        age, exposed = (
            combined(lines, b"age"),
            combined(lines, b"access-control-expose-headers"),
        )
        directives = _directives(cache_control)
        heard = Answered(
            issued=tuple(tuple(header_issues(lines, plan)) for plan in self._plans),
            codings=codings,
            charset=charset,
            cache_control=cache_control,
            age=age,
            exposed=exposed,
            writings=_all_writings(*directives, age, exposed),
            words=frozenset(text.casefold() for text in (*directives, (age or "").strip())),
        )
        return msgspec.structs.replace(
            heard, texts=answered_texts(heard, Secrets(self._pseudonyms))
        )


def body_coding(lines: FieldLines) -> tuple[tuple[str, ...], str | None]:
    """The content codings of a body, and what the head says of its encoding."""
    charset = _CHARSET.search(combined(lines, b"content-type") or "")
    codings = content_codings(combined(lines, b"content-encoding") or "")
    return codings, charset[1] if charset else None


def answered_texts(answered: Answered, secrets: Secrets) -> AnsweredTexts:
    """What may be kept of a response's head, without the secrets of its exchange."""
    directives = _directives(answered.cache_control)
    age = (answered.age or "").strip()
    exposed = answered.exposed
    if exposed is not None:
        names = (part.strip().lower() for part in exposed.split(","))
        exposed = clean(secrets.hide(",".join(n for n in names if _FIELD_NAME.fullmatch(n))), 1024)
    return AnsweredTexts(
        ",".join(part for part in directives if not secrets.hold(part)) or None,
        int(age) if _SECONDS.fullmatch(age) and not secrets.hold(age) else None,
        exposed,
    )


def _directives(field: str | None) -> list[str]:
    """The known directives of a ``Cache-Control`` field, each once."""
    parts = (part.strip().lower() for part in (field or "").split(","))
    return list(dict.fromkeys(part for part in parts if _DIRECTIVE.fullmatch(part)))


def _telling(fields: Fields, dull: _Dull) -> Fields:
    """The fields that count."""
    return tuple([field for field in fields if not dull[field[0]]])


def _is_small(fields: Fields) -> bool:
    return sum([len(name) + len(value) for name, value in fields]) <= MAX_REMEMBERED


def _all_writings(*texts: str | None) -> str:
    return "\0".join([writing for text in texts if text for writing in writings(text)])
