"""What one exchange says of state, as it may be kept; cached, since clients repeat themselves.

Enters: the values that a request presents and its response issues, as on the wire. Leaves: a
`State`: the values fit to be kept, and the secrets among them, which nothing else of the exchange
may give away.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from statetrail.dialects.canonical import canonical
from statetrail.dialects.grammar import MAX_VALUE
from statetrail.dialects.place import CookieAttributes
from statetrail.extract.fingerprint import Fingerprinter, alphabet
from statetrail.extract.jwt import declared_s
from statetrail.extract.known_values import KnownValues
from statetrail.extract.masking import MIN_WITHIN, Secrets
from statetrail.extract.records import MAX_VALUES, PLACEHOLDER
from statetrail.extract.text import (
    clean,
    is_opaque_name,
    is_placeholder,
    mask_host,
    mask_path,
    segment_kind,
)
from statetrail.extract.wire_values import CompiledDialect, IssuedValue, PresentedValue

_SEPARATORS: Final = re.compile(r"[;,\s]+")


type Kind = Literal["value", "establish", "empty", "ends", "due", "placeholder"]
type IssuedKind = Literal["void"]


class Issued(msgspec.Struct, frozen=True, gc=False):
    """A value that a response issued: table `issued` from its third column on, in their order."""

    dialect: str
    param: str
    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None
    usage: str | None
    priority: str | None
    channel: str
    problem: str | None
    length: int
    alphabet: str
    declared_s: int | None = None
    kind: IssuedKind | None = None
    family_fingerprint: int | None = None
    cookie_domain: str | None = None
    cookie_path: str | None = None
    cookie_flags: str | None = None
    tells: int | None = None


class Presented(msgspec.Struct, frozen=True, gc=False):
    """A value that a request presented: table `presented` from its third column on, in order."""

    dialect: str
    param: str
    value: str | None
    fingerprint: int
    normal_fingerprint: int
    prefix_fingerprint: int | None
    channel: str
    kind: Kind
    family_fingerprint: int | None = None


class State(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What one exchange says of state.

    `fingerprints` are those of what was presented, `dialects` those that matched, comma separated;
    `notes` say what had to be bounded.
    """

    presented: tuple[Presented, ...]
    issued: tuple[Issued, ...]
    fingerprints: frozenset[int]
    secrets: Secrets
    dialects: str
    notes: tuple[str, ...]


class StateReader(msgspec.Struct, frozen=True, gc=False):
    """Makes states; values of the parameters in `clear` are stored in clear although secret."""

    fingerprinter: Fingerprinter
    clear: frozenset[str]
    known: KnownValues

    def read(
        self,
        presented: Sequence[PresentedValue],
        issued: Sequence[IssuedValue],
        dialects: str,
        *,
        blind: bool,
    ) -> State:
        """The state of an exchange; with `blind` not all secrets of the exchange are known."""
        notes = []
        given = len(presented) + len(issued)
        issued = [each for each in issued if not is_placeholder(each.state.value)]
        hidden = [is_placeholder(each.value) for each in presented]
        if any(hidden) or len(presented) + len(issued) < given:
            notes.append(PLACEHOLDER)
        for values, side in ((issued, "issued"), (presented, "presented")):
            if len(values) > MAX_VALUES:
                notes.append(f"{side}-capped:{len(values)}")
                blind = True
        presented, issued = presented[:MAX_VALUES], issued[:MAX_VALUES]
        # Every secret has to be known before the first text is kept.
        secrets = Secrets(self.fingerprinter, self.known)
        secrets.blind = blind
        may_be_clear = [self._may_be_clear(v, v.param, v.value, secrets) for v in presented]
        may_be_clear += [
            self._may_be_clear(v, v.param.name if v.param else None, v.state.value, secrets)
            for v in issued
        ]
        kept = [
            self._presented(value, may, secrets)
            for value, may in zip(presented, may_be_clear, strict=False)
        ]
        kept_issues = [
            self._issued(value, may, secrets)
            for value, may in zip(issued, may_be_clear[len(kept) :], strict=True)
        ]
        fingerprints = frozenset([one.fingerprint for one in kept])
        return State(
            tuple(kept),
            tuple(kept_issues),
            fingerprints,
            secrets,
            dialects,
            tuple(notes),
        )

    def _may_be_clear(
        self, on_wire: PresentedValue | IssuedValue, param: str | None, value: str, secrets: Secrets
    ) -> bool:
        """Whether the form of a value allows to store it in clear; if not, it becomes a secret."""
        if param is not None:
            if param in self.clear and len(value) <= MAX_VALUE and value.isprintable():
                return True
            pattern = on_wire.compiled.clear.get(param)
            if pattern is not None and pattern.fullmatch(value) is not None:
                return True
        if _of_many(on_wire, param) and _is_word(value):
            # A word in one of many cookies: it is stored as a secret all the same.
            return False
        values = [value]
        if isinstance(on_wire, IssuedValue) and on_wire.state.problem is not None:
            # Which part of a malformed text is the value is a guess: each may be the secret.
            parts = _SEPARATORS.split(on_wire.text[:MAX_VALUE])
            values += [part for part in parts if len(part) >= MIN_WITHIN]
        for secret in values:
            # The protocol's own words are known to everyone: endpoints are told apart by them.
            if secret.casefold() not in on_wire.compiled.words:
                secrets.add(secret)
        return False

    def _presented(self, on_wire: PresentedValue, may: bool, secrets: Secrets) -> Presented:
        compiled, name, value, channel, _, kind_ = on_wire
        kind: Kind = kind_
        establish = compiled.establish.get(name)
        if not value:
            kind = "empty"
        elif is_placeholder(value):
            kind = "placeholder"
        elif kind == "value" and establish is not None and establish.fullmatch(value):
            kind = "establish"
        clear = kind in ("establish", "empty") or (may and not secrets.hold(value))
        storable = self.fingerprinter.storable(value, clear=clear)
        family = self._family(compiled, name, value)
        if name not in compiled.params and (is_opaque_name(name) or secrets.hold(name)):
            name = self.fingerprinter.pseudonym(name)
        return Presented(compiled.dialect.name, name, *storable, channel, kind, family)

    def _issued(self, on_wire: IssuedValue, may: bool, secrets: Secrets) -> Issued:
        name, state, problem = on_wire.name, on_wire.state, on_wire.state.problem
        compiled, extra = on_wire.compiled, on_wire.extra
        if name is None or (on_wire.param is None and (is_opaque_name(name) or secrets.hold(name))):
            # A cookie may be named by chance; of a header, no client could know the name.
            problem = problem or (None if extra.cookie is not None and name else "bad-name")
            name = self.fingerprinter.pseudonym(on_wire.raw_name)
        clear = may and not secrets.hold(state.value)
        domain, path, flags = self._cookie(extra.cookie, secrets)
        return Issued(
            compiled.dialect.name,
            name,
            *self.fingerprinter.storable(state.value, clear=clear),
            usage=None if problem else state.usage,
            priority=None if problem else state.priority,
            channel=on_wire.channel,
            problem=problem,
            length=len(state.value),
            alphabet=alphabet(state.value),
            declared_s=None if problem else self._lifetime(on_wire),
            kind="void" if extra.void else None,
            family_fingerprint=self._family(compiled, on_wire.name or "", state.value),
            cookie_domain=domain,
            cookie_path=path,
            cookie_flags=flags,
            tells=1 if on_wire.tells else None,
        )

    def _family(self, compiled: CompiledDialect, name: str, value: str) -> int | None:
        """The fingerprint of the canonical form of a value, where it has another one."""
        param = compiled.params.get(name)
        if param is None or param.same is None or not value:
            return None
        form = canonical(value, param.same)
        return None if form == value else self.fingerprinter.fingerprint(form)

    def _lifetime(self, on_wire: IssuedValue) -> int | None:
        """The lifetime in seconds that is declared for an issued value."""
        if on_wire.extra.lifetime_s is not None:
            return on_wire.extra.lifetime_s
        declared = on_wire.compiled.dialect.lifetime(on_wire.name or "")
        return declared if isinstance(declared, int) else declared_s(on_wire.state.value)

    def _cookie(
        self, cookie: CookieAttributes | None, secrets: Secrets
    ) -> tuple[str | None, str | None, str | None]:
        """Domain, path and flags of a cookie, as they may be kept."""
        if cookie is None:
            return None, None, None
        domain, path = cookie.domain, cookie.path
        if domain is not None:
            domain = clean(mask_host(secrets.hide(domain), self.fingerprinter), 255)
        if path is not None:
            raw = path.encode("utf-8", "surrogateescape")
            path = clean(mask_path(raw, self.fingerprinter, secrets, numbers=True)[0], 255)
        return domain, path, cookie.flags


def _of_many(on_wire: PresentedValue | IssuedValue, param: str | None) -> bool:
    """Whether a value is of a parameter of which each request may present many."""
    if isinstance(on_wire, IssuedValue):
        return param is None and on_wire.extra.cookie is not None
    return param not in on_wire.compiled.params


def _is_word(value: str) -> bool:
    """Whether a value is so short, or so plain a word, that it is found everywhere."""
    return len(value) < MIN_CREDENTIAL or segment_kind(value) == "word"


MIN_CREDENTIAL: Final = 8
"""Characters from which on a value of an undeclared parameter may be a credential."""
