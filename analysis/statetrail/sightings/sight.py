"""From an exchange to its sightings: the one place where dialects meet traffic.

Enters: an `Exchange` (a live flow, a flow file's or a HAR file's, all the same), the dialects, a
`Pseudonymiser`. Leaves: a `Sighted`, which holds no secret and may be stored. Pure and total: no
disk, no clock, no exception for whatever the network sends; what does not parse is a sighting with
its problem, what had to be bounded is a note.
"""

import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from statetrail.dialects import (
    Dialect,
    HeaderIssue,
    HeaderPresent,
    Param,
    QueryPresent,
    XmlRootIssue,
)
from statetrail.dialects.grammar import MAX_VALUE, parse_state_header
from statetrail.sightings.body import CodingError, content_codings, decode_prefix
from statetrail.sightings.pseudonyms import Pseudonymiser, alphabet
from statetrail.sightings.records import (
    Exchange,
    ExchangeRow,
    Fields,
    Issued,
    IssuedChannel,
    Kind,
    Presented,
    PresentedChannel,
    Request,
    Response,
    Sighted,
)
from statetrail.sightings.text import MIN_SECRET, clean, mask_path, scrub
from statetrail.sightings.xml_root import RootError, root_attributes

MAX_SIGHTINGS: Final = 64
"""Issued and presented values each that one exchange may leave; more are counted in a note."""
MAX_QUERY_FIELDS: Final = 1000
MAX_USER_AGENT: Final = 256

_PARAM_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
_CREDENTIAL: Final = re.compile(
    r"auth|cookie|key|password|secret|session|ticket|token", re.IGNORECASE
)
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9._:\[\]-]{1,255}")
_DIRECTIVE: Final = re.compile(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|(?:no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|private|public|immutable"
    r"|must-understand)"
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """How sightings are made: the dialects, the key, what the user wants clear.

    Attributes
    ----------
    clear
        Names of parameters whose values are stored in clear although they are secret.
    client_header
        Lower-case name of a request header that tells clients apart.
    """

    dialects: tuple[Dialect, ...]
    pseudonyms: Pseudonymiser
    clear: frozenset[str] = frozenset()
    client_header: str | None = None


@dataclass(slots=True)
class _Findings:
    """What one call of `sight` gathers."""

    issued: list[Issued] = field(default_factory=list)
    presented: list[Presented] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


def sight(exchange: Exchange, how: Sighting) -> Sighted:
    """The sightings of one exchange and its storable row."""
    found = _Findings(notes=list(exchange.notes))
    request, response = exchange.request, exchange.response
    path = _text(request.target.split(b"?", 1)[0])
    matched = []
    for dialect in how.dialects:
        in_scope = dialect.in_scope(path)
        _sight_request(request, dialect, how, found)
        issued_before = len(found.issued)
        if response is not None:
            _sight_response(response, dialect, in_scope, how, found)
        if in_scope or len(found.issued) > issued_before:
            matched.append(dialect.name)
    for values, what in ((found.issued, "issued"), (found.presented, "presented")):
        if len(values) > MAX_SIGHTINGS:
            found.notes.append(f"{what}-capped:{len(values)}")
            del values[MAX_SIGHTINGS:]
    return Sighted(
        exchange=_row(exchange, matched, how, found),
        issued=tuple(found.issued),
        presented=tuple(found.presented),
    )


def _sight_request(request: Request, dialect: Dialect, how: Sighting, found: _Findings) -> None:
    for channel in dialect.presents:
        if isinstance(channel, HeaderPresent):
            names = {f"{channel.prefix}{p.name}".lower().encode(): p for p in dialect.params}
            for name, value in request.headers:
                if (param := names.get(name.lower())) is not None:
                    text = _text(value).strip(" \t")
                    _present(dialect, param, text, "header", how, found)
        elif isinstance(channel, QueryPresent):
            known = {_fold(p.name, channel): p for p in dialect.params}
            for key, text in _query(request.target, found):
                if (param := known.get(_fold(key, channel))) is not None:
                    _present(dialect, param, text, "uriquery", how, found)


def _fold(name: str, channel: QueryPresent) -> str:
    return name if channel.case_sensitive else name.lower()


def _query(target: bytes, found: _Findings) -> Iterator[tuple[str, str]]:
    """The query's fields, form-decoded; a repeated, empty or broken one is no error."""
    query = target.partition(b"?")[2].partition(b"#")[0]
    if not query:
        return
    fields = query.split(b"&", MAX_QUERY_FIELDS)
    if len(fields) > MAX_QUERY_FIELDS:
        fields.pop()
        if "query-capped" not in found.notes:
            found.notes.append("query-capped")
    for part in fields:
        key, _, value = part.partition(b"=")
        if key:
            yield _unquote(key[:256]), _unquote(value)


def _unquote(raw: bytes) -> str:
    return _text(urllib.parse.unquote_to_bytes(raw.replace(b"+", b" ")))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _present(
    dialect: Dialect,
    param: Param,
    value: str,
    channel: PresentedChannel,
    how: Sighting,
    found: _Findings,
) -> None:
    kind: Kind = "value"
    if not value:
        kind = "empty"
    elif value == param.establish:
        kind = "establish"
    clear = _is_clear(param, value, how, found) or kind != "value"
    found.presented.append(
        Presented(dialect.name, param.name, how.pseudonyms.see(value, clear=clear), channel, kind)
    )


def _is_clear(param: Param | None, value: str, how: Sighting, found: _Findings) -> bool:
    """Whether the value may be stored in clear; one that may not is remembered as a secret."""
    if param is not None and value not in found.secrets:
        if param.name in how.clear and len(value) <= MAX_VALUE and value.isprintable():
            return True
        if param.clear is not None and re.fullmatch(param.clear, value):
            return True
    if len(value) >= MIN_SECRET:
        found.secrets.add(value)
    return False


def _sight_response(
    response: Response, dialect: Dialect, in_scope: bool, how: Sighting, found: _Findings
) -> None:
    for channel in dialect.issues:
        if isinstance(channel, HeaderIssue):
            _sight_headers(response.headers, dialect, channel, how, found)
        elif isinstance(channel, XmlRootIssue) and in_scope:
            _sight_root(response, dialect, channel, how, found)


def _sight_headers(
    headers: Fields, dialect: Dialect, channel: HeaderIssue, how: Sighting, found: _Findings
) -> None:
    prefix = channel.prefix.lower().encode()
    names = {p.name.lower(): p for p in dialect.params}
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        if name[: len(prefix)].lower() == prefix:
            lines.setdefault(_text(name[len(prefix) :]).lower(), []).append(
                _text(value).strip(" \t")
            )
    for lower, values in lines.items():
        param = names.get(lower)
        original = next(
            _text(n[len(prefix) :]) for n, _ in headers if _text(n).lower() == _text(prefix) + lower
        )
        name_problem = None
        if param is None and not _PARAM_NAME.fullmatch(original):
            original, name_problem = how.pseudonyms.pseudonym(original), "bad-name"
        conflicting = len(set(values)) > 1
        for at, line in enumerate(values):
            state = parse_state_header(line)
            problem = state.problem or name_problem
            # Which of several differing values counts, no client can know; an exact copy of a
            # header says nothing new, and only the first of them is well formed.
            if problem is None and (conflicting or at):
                problem = "repeated"
            clear = _is_clear(param, state.value, how, found)
            canonical = param.name if param else original
            found.issued.append(
                _issued(dialect, canonical, state.value, how, clear=clear, usage=state.usage,
                        priority=state.priority, channel="header", problem=problem)
            )  # fmt: skip


def _sight_root(
    response: Response, dialect: Dialect, channel: XmlRootIssue, how: Sighting, found: _Findings
) -> None:
    if not response.body:
        return
    codings = response.codings
    if codings is None:
        codings = content_codings(_field(response.headers, b"content-encoding") or "")
    charset = re.search(
        r"charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", _field(response.headers, b"content-type") or "",
        re.IGNORECASE,
    )  # fmt: skip
    try:
        document = decode_prefix(response.body, codings)
        value = root_attributes(document, charset[1] if charset else None).get(channel.attribute)
    except (CodingError, RootError) as error:
        found.notes.append(f"body-{error}")
        return
    if value is None:
        return
    param = dialect.param(channel.param)
    problem = None
    if not value:
        problem = "empty-value"
    elif param is not None and value == param.establish:
        problem = "reserved"
    elif len(value) > MAX_VALUE:
        problem = "too-long"
    elif not value.isprintable() or value != value.strip():
        problem = "control-character"
    clear = _is_clear(param, value, how, found)
    found.issued.append(
        _issued(dialect, channel.param, value, how, clear=clear, usage=channel.usage,
                priority=channel.priority, channel="body", problem=problem)
    )  # fmt: skip


def _issued(
    dialect: Dialect,
    param: str,
    value: str,
    how: Sighting,
    *,
    clear: bool,
    usage: str | None,
    priority: str | None,
    channel: IssuedChannel,
    problem: str | None,
) -> Issued:
    return Issued(
        dialect=dialect.name,
        param=param,
        seen=how.pseudonyms.see(value, clear=clear),
        usage=None if problem else usage,
        priority=None if problem else priority,
        channel=channel,
        problem=problem,
        length=len(value),
        alphabet=alphabet(value),
    )


def _field(headers: Fields, name: bytes) -> str | None:
    """The combined field value of a header (RFC 9110, 5.2), bounded; `None` where not sent."""
    values = [value for key, value in headers if key.lower() == name]
    return ", ".join(_text(value[:4096]) for value in values[:32]) if values else None


def _row(exchange: Exchange, matched: list[str], how: Sighting, found: _Findings) -> ExchangeRow:
    request, response = exchange.request, exchange.response
    answer: Fields = response.headers if response is not None else ()
    path, endpoint = mask_path(request.target, how.pseudonyms, found.secrets)
    cache_control = None
    if (field_value := _field(answer, b"cache-control")) is not None:
        directives = (part.strip().lower() for part in field_value.split(","))
        cache_control = ",".join(d for d in directives if _DIRECTIVE.fullmatch(d)) or None
    age = (_field(answer, b"age") or "").strip()
    origin = _field(request.headers, b"origin")
    exposed = _field(answer, b"access-control-expose-headers")
    return ExchangeRow(
        flow_id=exchange.flow_id,
        request_start_us=request.start_us,
        request_end_us=request.end_us,
        response_start_us=response.start_us if response else None,
        response_end_us=response.end_us if response else None,
        peer=request.peer,
        user_agent=_shown(_field(request.headers, b"user-agent"), MAX_USER_AGENT, how, found),
        proxy_user=_shown(request.proxy_user, 128, how, found),
        client_header=_client_header(request, how, found),
        method=clean(request.method, 32),
        scheme=clean(request.scheme, 16),
        host=clean(request.host.lower(), 255),
        port=request.port,
        path=path,
        endpoint=endpoint,
        status=response.status if response else None,
        http_version=clean(request.http_version, 16),
        request_bytes=request.body_bytes,
        response_bytes=response.body_bytes if response else None,
        error=exchange.error,
        cache_control=cache_control,
        age_s=int(age) if age.isascii() and age.isdigit() and len(age) <= 10 else None,
        request_origin=None
        if origin is None
        else origin
        if _ORIGIN.fullmatch(origin)
        else "(malformed)",
        exposed_headers=None if exposed is None else clean(exposed.lower().replace(" ", ""), 1024),
        dialects=",".join(matched),
        notes=",".join(dict.fromkeys(found.notes)),
    )


def _client_header(request: Request, how: Sighting, found: _Findings) -> str | None:
    if how.client_header is None:
        return None
    value = _field(request.headers, how.client_header.encode())
    if value is not None and _CREDENTIAL.search(how.client_header):
        return how.pseudonyms.pseudonym(value)
    return _shown(value, 128, how, found)


def _shown(text: str | None, limit: int, how: Sighting, found: _Findings) -> str | None:
    return None if text is None else clean(scrub(text, how.pseudonyms, found.secrets), limit)
