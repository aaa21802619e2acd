"""The storable facts of an exchange besides its sightings; what repeats of them is remembered.

Enters: an `Exchange` with its heads and its state. Leaves: an `ExchangeRow`: every text bounded,
printable and without the exchange's secrets, every number within 64 bits.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from statetrail.extract.headers import Answered, AnsweredTexts, Asked, AskedTexts, answered_texts
from statetrail.extract.masking import Secrets, writings
from statetrail.extract.path import Path
from statetrail.extract.records import Exchange, ExchangeRow, Request
from statetrail.extract.state import State
from statetrail.extract.text import clean, mask_path

if TYPE_CHECKING:
    from statetrail.extract.config import Sighting

MAX_REMEMBERED: Final = 512
"""Characters of method, scheme, host and version with which a standing is remembered."""

_SCHEMES: Final = frozenset(["http", "https"])
_METHODS: Final = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
)
_VERSIONS: Final = frozenset(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0"])
_FLOW_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_INT64: Final = 2**63


type Key = tuple[Path, Asked, Answered, State, str | None, str | None, str, str, str, int, str]
"""All that a `Standing` is made from: path, heads and state; peer, proxy user, method, scheme,
host, port and version."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What an exchange says that others of the same client say as well: as it may be kept."""

    peer: str | None
    proxy_user: str | None
    method: str
    scheme: str
    host: str
    port: int
    path: str
    endpoint: str
    http_version: str
    asked: AskedTexts
    answered: AnsweredTexts


def exchange_row(
    exchange: Exchange,
    asked: Asked,
    answered: Answered,
    path: Path,
    how: "Sighting",
    state: State,
    *,
    notes: Collection[str],
) -> ExchangeRow:
    """The row of an exchange; `asked` and `answered` are its heads."""
    request, response = exchange.request, exchange.response
    key: Key = (
        *(path, asked, answered, state, request.peer, request.proxy_user, request.method),
        *(request.scheme, request.host, request.port, request.http_version),
    )
    said = how.standings.get(key)
    if said is None:
        said = _standing(key, request.target, how)
        if _is_small(request):
            how.standings.keep(key, said)
    return ExchangeRow(
        _flow_id(exchange.flow_id, how, state.secrets),
        max(-_INT64, min(request.start_us, _INT64 - 1)),
        _int64(request.end_us),
        _int64(response.start_us) if response is not None else None,
        _int64(response.end_us) if response is not None else None,
        said.peer,
        said.asked.agent,
        said.proxy_user,
        said.asked.client,
        said.method,
        said.scheme,
        said.host,
        said.port,
        said.path,
        said.endpoint,
        _int64(response.status) if response is not None else None,
        said.http_version,
        _int64(request.body_bytes),
        _int64(response.body_bytes) if response is not None else None,
        None if exchange.error is None else clean(exchange.error, 64),
        said.answered.cache_control,
        said.answered.age_s,
        said.asked.origin,
        said.answered.exposed,
        state.dialects,
        clean(",".join(dict.fromkeys(notes)), 1024) if notes else "",
    )


def _standing(key: Key, target: bytes, how: "Sighting") -> Standing:
    path, asked, answered, state, peer, proxy_user, method, scheme, host, port, version = key
    secrets, host = state.secrets, host.lower()
    # One look at all texts at once: as a rule no secret is near any of them.
    about = "\0".join((peer or "", proxy_user or "", method, scheme, host, version))
    if (
        secrets.near(path.writings, asked.writings, answered.writings, *writings(about))
        or secrets.known(path.names)
        or secrets.known(answered.words)
    ):
        hide = secrets.hide
        shown_path, endpoint = mask_path(target, how.pseudonyms, secrets)
        client, served = how.heads.asked_texts(asked, secrets), answered_texts(answered, secrets)
    else:
        hide = _as_it_is
        shown_path, endpoint = path.shown, path.endpoint
        client, served = asked.texts, answered.texts
    return Standing(
        peer=None if peer is None else clean(hide(peer), 64),
        proxy_user=None if proxy_user is None else clean(hide(proxy_user), 128),
        method=method if method in _METHODS else clean(hide(method), 32),
        scheme=scheme if scheme in _SCHEMES else clean(hide(scheme), 16),
        host=clean(hide(host), 255),
        port=max(0, min(port, 65_535)),
        path=shown_path,
        endpoint=endpoint,
        http_version=version if version in _VERSIONS else clean(hide(version), 16),
        asked=client,
        answered=served,
    )


def _is_small(request: Request) -> bool:
    texts = (request.method, request.scheme, request.host, request.http_version)
    return sum([len(text) for text in texts]) <= MAX_REMEMBERED


def _as_it_is(text: str) -> str:
    return text


def _int64(number: int | None) -> int | None:
    return number if number is not None and -_INT64 <= number < _INT64 else None


def _flow_id(flow_id: str, how: "Sighting", secrets: Secrets) -> str:
    """The flow id, which tells doubled exchanges: of a hostile file's its digest."""
    if _FLOW_ID.fullmatch(flow_id):
        written = flow_id.casefold()
        if not secrets.near(written) and not secrets.known((written,)):
            return flow_id
    return f"{how.pseudonyms.fingerprint(flow_id) % (2 * _INT64):016x}"
