"""The secrets that a capture knows.

Enters: exchanges with the state in them. Leaves: a `Matcher` of the values: those of state
parameters, and whatever looks like a token in a target or a header field. They live in memory only,
and most only as hashes.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from statetrail.dialects.wire import text, unquote
from statetrail.extract.cache import BoundedCache
from statetrail.extract.extractor import ExtractorConfig, WireState
from statetrail.extract.masking import MIN_WITHIN
from statetrail.extract.records import Exchange, Fields
from statetrail.extract.text import MAX_TOKEN, has_token, is_placeholder, is_token, unquoted
from statetrail.extract.wire_values import query_fields
from statetrail.ingest.redact.fields import is_harmless
from statetrail.ingest.redact.matcher import Matcher
from statetrail.ingest.redact.state import COMBINED, is_void_word

CACHED: Final = 8192
_ENDS: Final = re.compile(r"[/?#&=]")
_SEPARATORS: Final = re.compile(r"[;,&?\s]+")
# What the client and the server are, and when: told by the texts that are kept of them.
_DULL: Final = frozenset(
    (
        b"accept accept-charset accept-encoding accept-language access-control-allow-headers "
        b"access-control-allow-methods access-control-allow-origin access-control-expose-headers "
        b"access-control-request-headers age cache-control connection content-encoding "
        b"content-language content-length content-security-policy content-type date dnt expires "
        b"host keep-alive last-modified origin permissions-policy pragma priority sec-ch-ua "
        b"sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site "
        b"sec-fetch-user server strict-transport-security te transfer-encoding upgrade "
        b"upgrade-insecure-requests user-agent vary via"
    ).split()
)


class SecretCollector:
    """Adds the secrets of exchanges to `matcher`; `clear` is the state that is none."""

    def __init__(self, config: ExtractorConfig) -> None:
        self.matcher = Matcher()
        self.clear: set[str] = set()
        self._config = config
        self._words = frozenset(word for each in config.compiled for word in each.words)
        self._fields = _NewTokens()
        self._targets: BoundedCache[bytes, None] = BoundedCache(CACHED)

    def add(self, exchange: Exchange, wire: WireState) -> None:
        """Add the secrets of an exchange."""
        for secret in (*self._state(wire), *self._of_target(exchange.request.target)):
            self.matcher.add(secret)
        answer = exchange.response.headers if exchange.response is not None else ()
        for fields in (exchange.request.headers, answer):
            self._add_fields(fields)

    def _state(self, wire: WireState) -> Iterator[str]:
        for presented in wire.presented:
            compiled, param, value = presented.compiled, presented.param, presented.value
            clear, establish = compiled.clear.get(param), compiled.establish.get(param)
            if clear is not None and clear.fullmatch(value):
                self.clear.add(value)
            elif establish is None or not establish.fullmatch(value):
                yield from self._secret(value)
        for issued in wire.issued:
            clear = issued.compiled.clear.get(issued.param.name) if issued.param else None
            if is_void_word(issued) or (clear is not None and clear.fullmatch(issued.state.value)):
                self.clear.add(issued.state.value)
            else:
                for part in COMBINED.split(issued.state.value)[::2]:
                    yield from self._secret(part)

    def _secret(self, value: str) -> Iterator[str]:
        plain = value.casefold() in self._words or is_placeholder(value)
        if len(value) >= MIN_WITHIN and not plain:
            yield value[:MAX_TOKEN]

    def _of_target(self, target: bytes) -> tuple[str, ...]:
        """What looks like a token in a target; nothing in one that was read of late."""
        if target in self._targets:
            return ()
        values = (text(unquote(value)) for _, value in query_fields(target)[0])
        query = (part for value in values for part in _parts(value))
        path = text(target.partition(b"?")[0]).replace(";", "/").replace("=", "/").split("/")
        tokens = filter(is_token, (*query, *map(unquoted, path)))
        found = tuple(dict.fromkeys(each for each in tokens if not is_placeholder(each)))
        if len(target) <= MAX_TOKEN:
            self._targets.keep(target, None)
        return found

    def _add_fields(self, fields: Fields) -> None:
        for secret in chain.from_iterable(map(self._fields.__getitem__, fields)):
            # A date that a parameter has in clear looks like a token elsewhere.
            if secret not in self.clear:
                self.matcher.add(secret)


class _NewTokens(dict[tuple[bytes, bytes], tuple[str, ...]]):
    """What looks like a token in a header field, by the field; nothing in one that was read of
    late, since it is known by then."""

    def __missing__(self, field: tuple[bytes, bytes]) -> tuple[str, ...]:
        name, value = field
        if len(name) + len(value) <= MAX_TOKEN:
            if len(self) >= CACHED:
                self.clear()
            self[field] = ()
        name = name.lower()
        return () if name in _DULL or is_harmless(name, value) else tuple(_tokens(text(value)))


def _parts(value: str) -> tuple[str, ...]:
    """A value, or of an address the user and the segments: its host is none of a client's."""
    _, scheme, rest = value.partition("://")
    if not scheme:
        return (value,)
    authority, *segments = _ENDS.split(rest)
    user, at, _ = authority.rpartition("@")
    return (user, *segments) if at else tuple(segments)


def _tokens(line: str) -> Iterator[str]:
    """What looks like a token in a header field: its parts, with and without a name."""
    for part in _SEPARATORS.split(line):
        host, scheme, path = part.partition("://")
        # Of an address the segments.
        for each in path.split("/")[1:] if scheme else (host, host.partition("=")[2]):
            value = unquoted(each.strip("\"'<>"))
            if len(value) <= MAX_TOKEN and has_token(value) and not is_placeholder(value):
                yield value
