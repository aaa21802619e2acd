"""The storable facts of an exchange besides its sightings.

Enters: an `Exchange` with its heads and the secrets in its state. Leaves: an `ExchangeRow`:
every text bounded, printable and without the exchange's secrets, every number within 64 bits.
"""

import re
from collections.abc import Collection
from typing import Final

from statetrail.sightings.heads import Answered, Asked, answered_texts
from statetrail.sightings.paths import Path
from statetrail.sightings.records import Exchange, ExchangeRow
from statetrail.sightings.secrecy import Secrets, writings
from statetrail.sightings.sighting import Sighting
from statetrail.sightings.state import State
from statetrail.sightings.text import clean, mask_path

_SCHEMES: Final = frozenset(["http", "https"])
_METHODS: Final = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"]
)
_VERSIONS: Final = frozenset(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3", "HTTP/3.0"])
_FLOW_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_INT64: Final = 2**63


def exchange_row(
    exchange: Exchange,
    asked: Asked,
    answered: Answered,
    path: Path,
    how: Sighting,
    state: State,
    *,
    notes: Collection[str],
) -> ExchangeRow:
    """The row of an exchange; `asked` and `answered` are its heads."""
    request, response, secrets = exchange.request, exchange.response, state.secrets
    flow_id, peer, host = exchange.flow_id, request.peer, request.host.lower()
    method, scheme, version = request.method, request.scheme, request.http_version
    # One look at all texts at once: as a rule no secret is near any of them.
    about = "\0".join(
        (flow_id, peer or "", request.proxy_user or "", method, scheme, host, version)
    )
    if (
        secrets.near(path.writings, asked.writings, answered.writings, *writings(about))
        or secrets.known(path.names)
        or secrets.known(answered.words)
    ):
        near, hide = True, secrets.hide
        shown_path, endpoint = mask_path(request.target, how.pseudonyms, secrets)
        client, served = how.heads.asked_texts(asked, secrets), answered_texts(answered, secrets)
    else:
        near, hide = False, _as_it_is
        shown_path, endpoint = path.shown, path.endpoint
        client, served = asked.texts, answered.texts
    return ExchangeRow(
        _flow_id(flow_id, how, secrets, near=near),
        max(-_INT64, min(request.start_us, _INT64 - 1)),
        _int64(request.end_us),
        _int64(response.start_us) if response is not None else None,
        _int64(response.end_us) if response is not None else None,
        None if peer is None else clean(hide(peer), 64),
        client.agent,
        None if request.proxy_user is None else clean(hide(request.proxy_user), 128),
        client.client,
        method if method in _METHODS else clean(hide(method), 32),
        scheme if scheme in _SCHEMES else clean(hide(scheme), 16),
        clean(hide(host), 255),
        max(0, min(request.port, 65_535)),
        shown_path,
        endpoint,
        _int64(response.status) if response is not None else None,
        version if version in _VERSIONS else clean(hide(version), 16),
        _int64(request.body_bytes),
        _int64(response.body_bytes) if response is not None else None,
        None if exchange.error is None else clean(exchange.error, 64),
        served.cache_control,
        served.age_s,
        client.origin,
        served.exposed,
        state.dialects,
        clean(",".join(dict.fromkeys(notes)), 1024) if notes else "",
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
