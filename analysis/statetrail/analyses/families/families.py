"""Families of refresh tokens: who used one twice, what the traffic fits, and what the server did.

Enters: a recording. Leaves: the tables `families`, `reuses` and `graces`.

A refresh token that is presented is replaced by what the answer issues (RFC 9700, section 4.14.2).
All tokens that follow from one grant are a family, whichever clients hold them. A *reuse* is a
request with a token that an earlier request had presented and that was replaced. What it fits:

``race``
    The reuse began before the first answer had arrived and the grace period had passed: two tabs,
    or two threads, refreshed at once.
``lost-response``
    The same client repeats a request whose answer did not arrive, or of whose answer it had
    presented nothing, the access token included: it may never have had it. A server that punishes
    this punishes the network.
``theft``
    Another client presents the token, and both went on with tokens of their own, or tried to. Who
    of them is the thief, the traffic does not say.
``kept``
    The same client had gone on with the new tokens, and presents the old one all the same: a copy
    of it was kept, by another process or a backup.
``unclear``
    Another client presents the token, while the first answer was lost or was never used: a client
    whose address changed looks the same.

The window of grace is bracketed by the ages at which replaced tokens were taken and refused.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.families.events import Grant, first_presented, grants
from statetrail.analyses.families.tables import FAMILIES, GRACES, REUSES
from statetrail.recording.frames import Recording

type Fits = Literal["race", "lost-response", "theft", "kept", "unclear"]

GRAVEST: Final[tuple[Fits, ...]] = ("theft", "kept", "unclear", "lost-response", "race")
"""What reuses fit, the gravest first."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """A request with a token that another request had presented before; times in microseconds."""

    grant: Grant
    token: int
    first: Grant
    age_low_us: int
    age_high_us: int | None
    fits: Fits


@dataclass(slots=True)
class Family:
    """The exchanges of one family, and the tokens in it."""

    name: int
    grants: list[Grant] = field(default_factory=list)
    tokens: set[int] = field(default_factory=set)
    successors: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    reuses: list[Reuse] = field(default_factory=list)


@artifact(scope="whole")
def known_families(rec: Recording) -> list[Family]:
    """The families of a recording, with their reuses, in order of their first exchange."""
    of_token: dict[tuple[str, str, str, int], Family] = {}
    families: list[Family] = []
    for grant in grants(rec):
        key = grant.origin, grant.dialect, grant.param
        known = [of_token.get((*key, token)) for token in grant.presented]
        family = next((each for each in known if each is not None), None)
        if family is None and not grant.presented:
            family = next((f for t in grant.issued if (f := of_token.get((*key, t)))), None)
        if family is None:
            family = Family((*grant.presented, *grant.issued)[0])
            families.append(family)
        family.grants.append(grant)
        for token in (*grant.presented, *grant.issued):
            of_token.setdefault((*key, token), family)
            family.tokens.add(token)
        for old in grant.presented:
            new = [token for token in grant.issued if token != old]
            family.successors[old] += [t for t in new if t not in family.successors[old]]
    for family in families:
        family.reuses = _reuses(family, rec.grace_us)
    _look_for_what_arrived(rec, families)
    return families


def _look_for_what_arrived(rec: Recording, families: Iterable[Family]) -> None:
    """A response whose access token its client had presented was not lost."""
    open_ = [each for family in families for each in family.reuses if each.fits == "lost-response"]
    first_us = first_presented(rec, {reuse.first.exchange_id for reuse in open_})
    for family in families:
        family.reuses = [
            replace(reuse, fits="kept")
            if reuse.fits == "lost-response"
            and first_us.get(reuse.first.exchange_id, reuse.grant.start_us) < reuse.grant.start_us
            else reuse
            for reuse in family.reuses
        ]


def _reuses(family: Family, grace_us: int) -> list[Reuse]:
    """The requests with a token that the answer to an earlier one replaces."""
    by_token: dict[int, list[Grant]] = defaultdict(list)
    for grant in family.grants:
        for token in grant.presented:
            by_token[token].append(grant)
    found = []
    for token, uses in by_token.items():
        replacing = [use for use in uses if _replaces(use, token)]
        if not replacing:
            continue
        first = min(replacing, key=lambda use: use.answered_us or use.start_us)
        for use in uses:
            if use is first or use.start_us < first.start_us:
                continue
            found.append(_reuse(family, token, first, use, by_token, grace_us))
    return sorted(found, key=lambda each: (each.grant.start_us, each.grant.exchange_id))


def _replaces(use: Grant, token: int) -> bool:
    """Whether the answer may have replaced the token: it issued another one, or was lost."""
    return any(new != token for new in use.issued) or use.taken is None


def _reuse(
    family: Family,
    token: int,
    first: Grant,
    use: Grant,
    by_token: Mapping[int, list[Grant]],
    grace_us: int,
) -> Reuse:
    known_us = first.ended_us
    replaced_us = first.ended_us or first.answered_us
    low = 0 if replaced_us is None else max(use.start_us - replaced_us, 0)
    high = None if use.answered_us is None else use.answered_us - first.start_us
    went_on = any(
        one.client == first.client and one is not use
        for new in family.successors[token]
        if new in first.issued
        for one in by_token.get(new, ())
    )
    same = use.client == first.client
    fits: Fits
    if known_us is not None and use.start_us <= known_us + grace_us:
        fits = "race" if same else "theft" if went_on else "race"
    elif same:
        fits = "kept" if went_on else "lost-response"
    else:
        fits = "theft" if went_on else "unclear"
    return Reuse(use, token, first, low, high, fits)


@analysis(REUSES, needs=(known_families,), scope="whole")
def reuses(rec: Recording, families: Iterable[Family]) -> pa.Table:
    """The reuses of refresh tokens.

    Returns
    -------
    Frame
        `statetrail.analyses.families.tables.REUSES`.
    """
    rows = [_reuse_row(family, reuse) for family in families for reuse in family.reuses]
    return pa.Table.from_pylist(rows, schema=REUSES.arrow)


def _reuse_row(family: Family, reuse: Reuse) -> dict[str, Any]:
    return {
        "exchange_id": reuse.grant.exchange_id,
        "dialect": reuse.grant.dialect,
        "param": reuse.grant.param,
        "family_fingerprint": family.name,
        "fingerprint": reuse.token,
        "client": reuse.grant.client,
        "first_exchange_id": reuse.first.exchange_id,
        "first_client": reuse.first.client,
        "age_low_s": reuse.age_low_us / 1e6,
        "age_high_s": None if reuse.age_high_us is None else reuse.age_high_us / 1e6,
        "taken": reuse.grant.taken,
        "fits": reuse.fits,
    }


@analysis(FAMILIES, needs=(known_families,), scope="whole")
def families(rec: Recording, families: Iterable[Family]) -> pa.Table:
    """The families of refresh tokens: how often each was rotated and forked, and how it ended.

    Returns
    -------
    Frame
        `statetrail.analyses.families.tables.FAMILIES`.
    """
    return pa.Table.from_pylist([_row(family) for family in families], schema=FAMILIES.arrow)


def _row(family: Family) -> dict[str, Any]:
    first = family.grants[0]
    moments = [grant.start_us for grant in family.grants]
    fits = {reuse.fits for reuse in family.reuses}
    revoked = _revoked(family)
    return {
        "origin": first.origin,
        "dialect": first.dialect,
        "param": first.param,
        "family_fingerprint": family.name,
        "client": first.client,
        "clients": len({grant.client for grant in family.grants}),
        "first_us": min(moments),
        "last_us": max(moments),
        "tokens": len(family.tokens),
        "rotations": sum(len(new) for new in family.successors.values()),
        "reuses": len(family.reuses),
        "forks": sum(len(new) > 1 for new in family.successors.values()),
        "refused": sum(grant.taken is False for grant in family.grants if grant.presented),
        "fits": next((each for each in GRAVEST if each in fits), None),
        "revoked_us": revoked,
        "lost_fork_fingerprint": _lost_fork(family),
    }


def _revoked(family: Family) -> int | None:
    """The first refusal after which no token of the family was taken, if it follows a reuse."""
    shown = [grant for grant in family.grants if grant.presented and grant.taken is not None]
    last = max((g.start_us for g in shown if g.taken), default=None)
    refusals = [g for g in shown if not g.taken and (last is None or g.start_us > last)]
    newest = {new for old in family.successors.values() for new in old} - set(family.successors)
    # A replaced token that is refused says nothing of the others; the newest one does.
    telling = [g for g in refusals if newest.intersection(g.presented)]
    if not telling:
        return None
    return min(g.answered_us or g.start_us for g in refusals)


def _lost_fork(family: Family) -> int | None:
    """Of two tokens that replaced one, the one that was refused, and never taken."""
    for forks in family.successors.values():
        if len(forks) < 2:
            continue
        taken = {t for g in family.grants if g.taken for t in g.presented}
        refused = {t for g in family.grants if g.taken is False for t in g.presented}
        lost = [t for t in forks if t in refused - taken]
        if lost:
            return lost[0]
    return None


@analysis(GRACES, needs=(known_families,), scope="whole")
def graces(rec: Recording, families: Iterable[Family]) -> pa.Table:
    """For how long replaced refresh tokens are still taken, by parameter.

    Returns
    -------
    Frame
        `statetrail.analyses.families.tables.GRACES`.
    """
    by_param: dict[tuple[str, str, str], list[Reuse]] = defaultdict(list)
    for family in families:
        for reuse in family.reuses:
            if reuse.grant.taken is not None and reuse.first.issued:
                grant = reuse.grant
                by_param[grant.origin, grant.dialect, grant.param].append(reuse)
    rows = [_window(*key, found) for key, found in sorted(by_param.items())]
    return pa.Table.from_pylist(rows, schema=GRACES.arrow)


def _window(origin: str, dialect: str, param: str, found: list[Reuse]) -> dict[str, Any]:
    """The window that the fewest reuses contradict; a token that was taken is at least `low` old.

    A refusal after another reuse of the family may be the family's end, and says nothing of age.
    """
    taken = sorted(reuse.age_low_us for reuse in found if reuse.grant.taken)
    first: dict[int, Reuse] = {}
    for reuse in found:
        first.setdefault(reuse.token, reuse)
    refused = sorted(
        reuse.age_high_us
        for reuse in first.values()
        if not reuse.grant.taken and reuse.age_high_us is not None
    )
    ends = [-1, *taken]
    best = min(ends, key=lambda end: _against(end, taken, refused))
    low = best if best >= 0 else None
    high = next((age for age in refused if age > best), None)
    return {
        "origin": origin,
        "dialect": dialect,
        "param": param,
        "reuses": len(found),
        "taken": len(taken),
        "low_s": None if low is None else low / 1e6,
        "high_s": None if high is None else high / 1e6,
        "contradictions": _against(best, taken, refused),
    }


def _against(end: int, taken: list[int], refused: list[int]) -> int:
    """How many reuses contradict that tokens are taken up to an age, and none beyond."""
    return sum(age > end for age in taken) + sum(age <= end for age in refused)
