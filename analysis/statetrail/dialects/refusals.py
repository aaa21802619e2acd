"""Refusals: which parameters a response says that it does not take.

Enters: a response of a status that a dialect names. Leaves: the names of the parameters whose
values it refuses, or asks for, as the dialects declare it (`Param.refused`).
"""

import re
from collections.abc import Sequence

from statetrail.dialects.declarations import Refusal, Text
from statetrail.dialects.model import Dialect
from statetrail.dialects.pointers import at_pointers, steps
from statetrail.dialects.wire import Body, BodyError, FieldLines, text

MAX_SEARCHED = 65_536
"""Bytes of a body's content that are looked through."""


class Refusals:
    """What the dialects declare of refusals, by status."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self._by_status: dict[int, list[tuple[int, str, Refusal, str | None]]] = {}
        for at, dialect in enumerate(dialects):
            for param in dialect.params:
                scheme = _scheme(dialect, param.name)
                for refusal in param.refused:
                    for status in refusal.status:
                        known = self._by_status.setdefault(status, [])
                        known.append((at, f"{dialect.name}:{param.name}", refusal, scheme))

    def among(self, status: int) -> bool:
        """Whether a response of that status may refuse something."""
        return status in self._by_status

    def read(
        self,
        status: int,
        sent: FieldLines,
        lines: FieldLines,
        body: Body | None,
        spoken: Sequence[bool],
    ) -> str | None:
        """The parameters refused, ``dialect:param``, comma separated; `None` for none.

        `sent` are the header fields of the request, `lines` those of the response. `spoken` says
        by dialect whether it may be spoken by this origin at this path.
        """
        content: bytes | None = None
        names = []
        for at, name, refusal, scheme in self._by_status.get(status, ()):
            if not spoken[at] or not _heads_fit(refusal, lines):
                continue
            if scheme is not None and not _challenges(scheme, sent, lines):
                continue
            if refusal.body is not None or refusal.json is not None:
                content = _content(body) if content is None else content
                if not _body_fits(refusal, content):
                    continue
            names.append(name)
        return ",".join(dict.fromkeys(names)) or None


def _scheme(dialect: Dialect, param: str) -> str | None:
    """The authentication scheme under which a parameter is presented, in lower case, if any."""
    schemes = (getattr(place, "scheme", None) for place in dialect.presented_at(param))
    return next((scheme.lower() for scheme in schemes if scheme is not None), None)


def _challenges(scheme: str, sent: FieldLines, lines: FieldLines) -> bool:
    """Whether a refusal is about the scheme: its challenges name it (RFC 9110, section 11.6.1).

    One without challenges is about what the request presented, and asks for nothing.
    """
    challenges = lines.get(b"www-authenticate", [])
    if challenges:
        named = re.compile(rf"(?:^|[\s,]){re.escape(scheme)}(?:$|[\s,])", re.IGNORECASE)
        return any(named.search(text(value)) for value in challenges)
    presented = (text(value).lower() for value in sent.get(b"authorization", []))
    return any(value.startswith(f"{scheme} ") for value in presented)


def _heads_fit(refusal: Refusal, lines: FieldLines) -> bool:
    if refusal.header is not None and not _has(refusal.header, lines):
        return False
    return refusal.unless_header is None or not _has(refusal.unless_header, lines)


def _has(wanted: Text, lines: FieldLines) -> bool:
    values = lines.get((wanted.name or "").lower().encode(), [])
    return any(re.search(wanted.has, text(value), re.IGNORECASE) for value in values)


def _content(body: Body | None) -> bytes:
    try:
        return b"" if body is None else body.beginning(MAX_SEARCHED)
    except BodyError:
        return b""


def _body_fits(refusal: Refusal, content: bytes) -> bool:
    if refusal.body is not None and not re.search(refusal.body, text(content), re.IGNORECASE):
        return False
    if refusal.json is None:
        return True
    found = at_pointers(content, [steps(refusal.json.pointer or "")])[0]
    return found is not None and re.search(refusal.json.has, found, re.IGNORECASE) is not None
