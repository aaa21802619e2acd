"""The storable facts of an exchange besides its sightings.

Enters: an `Exchange` with its header fields by name and its `Secrets`. Leaves: an `ExchangeRow`:
every text bounded, printable and without the exchange's secrets, every number within 64 bits.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from statetrail.sightings.claims import FieldLines, combined
from statetrail.sightings.paths import Path
from statetrail.sightings.plan import Sighting
from statetrail.sightings.records import Exchange, ExchangeRow
from statetrail.sightings.secrecy import Secrets
from statetrail.sightings.text import clean, mask_path

MAX_USER_AGENT: Final = 256

_SCHEMES: Final = frozenset(["http", "https"])
_METHODS: Final = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
)
_VERSIONS: Final = frozenset(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0"])
_FLOW_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_ORIGIN: Final = re.compile(r"null|[a-z][a-z0-9+.-]{0,15}://[A-Za-z0-9._:\[\]-]{1,255}")
_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_DIRECTIVE: Final = re.compile(
    r"(?:max-age|s-maxage|stale-while-revalidate|stale-if-error)=[0-9]{1,10}"
    r"|(?:no-cache|no-store|no-transform|must-revalidate|proxy-revalidate|private|public|immutable"
    r"|must-understand)"
)
_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_INT64: Final = 2**63


def exchange_row(
    exchange: Exchange,
    asked: FieldLines,
    answered: FieldLines,
    path: Path,
    how: Sighting,
    secrets: Secrets,
    *,
    dialects: Iterable[str],
    notes: Collection[str],
) -> ExchangeRow:
    """The row of an exchange; `asked` and `answered` are its header fields by name."""
    request, response = exchange.request, exchange.response
    agent, origin = combined(asked, b"user-agent"), combined(asked, b"origin")
    # One look at all texts at once: as a rule no secret is near any of them.
    texts = (
        exchange.flow_id, path.text, agent or "", request.proxy_user or "", request.peer or "",
        request.method, request.scheme, request.host.lower(), request.http_version, origin or "",
    )  # fmt: skip
    near = secrets.near(texts) or secrets.known(path.names)
    if near:
        hide = secrets.hide
        shown_path, endpoint = mask_path(request.target, how.pseudonyms, secrets)
    else:
        hide = _as_it_is
        shown_path, endpoint = path.shown, path.endpoint

    def shown(text: str, limit: int) -> str:
        return clean(hide(text), limit)

    def sent(text: str | None, limit: int) -> str | None:
        return None if text is None else clean(hide(text), limit)

    return ExchangeRow(
        flow_id=_flow_id(exchange.flow_id, how, secrets, near=near),
        request_start_us=max(-_INT64, min(request.start_us, _INT64 - 1)),
        request_end_us=_int64(request.end_us),
        response_start_us=_int64(response.start_us) if response else None,
        response_end_us=_int64(response.end_us) if response else None,
        peer=sent(request.peer, 64),
        user_agent=sent(agent, MAX_USER_AGENT),
        proxy_user=sent(request.proxy_user, 128),
        client_header=_client_header(asked, how, secrets),
        method=request.method if request.method in _METHODS else shown(request.method, 32),
        scheme=request.scheme if request.scheme in _SCHEMES else shown(request.scheme, 16),
        host=shown(request.host.lower(), 255),
        port=max(0, min(request.port, 65_535)),
        path=shown_path,
        endpoint=endpoint,
        status=_int64(response.status) if response else None,
        http_version=request.http_version
        if request.http_version in _VERSIONS
        else shown(request.http_version, 16),
        request_bytes=_int64(request.body_bytes),
        response_bytes=_int64(response.body_bytes) if response else None,
        error=None if exchange.error is None else clean(exchange.error, 64),
        cache_control=_cache_control(combined(answered, b"cache-control"), secrets)
        if b"cache-control" in answered
        else None,
        age_s=_age(combined(answered, b"age"), secrets) if b"age" in answered else None,
        request_origin=None if origin is None else _origin(origin, hide),
        exposed_headers=_exposed(combined(answered, b"access-control-expose-headers"), secrets)
        if b"access-control-expose-headers" in answered
        else None,
        dialects=",".join(dialects),
        notes=clean(",".join(dict.fromkeys(notes)), 1024) if notes else "",
    )


def _as_it_is(text: str) -> str:
    return text


def _int64(number: int | None) -> int | None:
    return number if number is not None and -_INT64 <= number < _INT64 else None


def _flow_id(flow_id: str, how: Sighting, secrets: Secrets, *, near: bool) -> str:
    """The flow id, which tells doubled exchanges: of a hostile file's its digest."""
    held = secrets.hold(flow_id) if near else secrets.equal(flow_id)
    if not held and _FLOW_ID.fullmatch(flow_id):
        return flow_id
    return f"{how.pseudonyms.fingerprint(flow_id) % (2 * _INT64):016x}"


def _client_header(asked: FieldLines, how: Sighting, secrets: Secrets) -> str | None:
    if how.client_header is None:
        return None
    value = combined(asked, how.client_header.encode())
    if value is None:
        return None
    return how.pseudonyms.pseudonym(value) if how.hides_client else clean(secrets.hide(value), 128)


def _cache_control(field: str | None, secrets: Secrets) -> str | None:
    if not field:
        return None
    directives = (part.strip().lower() for part in field.split(","))
    known = dict.fromkeys(part for part in directives if _DIRECTIVE.fullmatch(part))
    return ",".join(part for part in known if not secrets.hold(part)) or None


def _age(field: str | None, secrets: Secrets) -> int | None:
    if not field:
        return None
    age = field.strip()
    return int(age) if _SECONDS.fullmatch(age) and not secrets.hold(age) else None


def _origin(field: str, hide: Callable[[str], str]) -> str:
    return hide(field) if _ORIGIN.fullmatch(field) else "(malformed)"


def _exposed(field: str | None, secrets: Secrets) -> str | None:
    if field is None:
        return None
    names = (part.strip().lower() for part in field.split(","))
    return clean(secrets.hide(",".join(n for n in names if _FIELD_NAME.fullmatch(n))), 1024)
