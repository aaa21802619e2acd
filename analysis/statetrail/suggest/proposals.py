"""Proposals: pairs of places that share values are one parameter, with what its use tells.

Enters: the pairs that are state, `Uses` and `Issues`. Leaves: `Proposal`s, each of one parameter,
and the number of those left out since a name of theirs may hold a secret.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from statetrail.dialects.canonical import Same
from statetrail.suggest.issues import Issues
from statetrail.suggest.kinship import may_be_secret, names_state
from statetrail.suggest.pairs import Pair
from statetrail.suggest.places import Place
from statetrail.suggest.uses import FORMS, WRITES, Endpoint, Uses

MAX_NAME: Final = 64
MAX_PLACE: Final = 256
"""Characters of the name of a place that is shown."""
MIN_REQUIRED: Final = 0.8
"""Share of the requests to its endpoints, from which on a parameter seems to be required there."""

_ENDS: Final = re.compile(r"revo(?:ke|cation)|(?:log|sign)[-_]?out", re.IGNORECASE)
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A parameter, and what the captures show of it.

    `issued_at` and `presented_at` are the endpoints of its places, `ends` the places in which
    requests to revoke it or to log out name a value, with their endpoints; `values` is the number
    of values by client, `share` that of the requests to `presented_at` that present one.
    """

    name: str
    issue: tuple[Place, ...]
    present: tuple[Place, ...]
    ends: dict[Place, tuple[Endpoint, ...]]
    issued_at: dict[Place, tuple[Endpoint, ...]]
    presented_at: tuple[Endpoint, ...]
    values: int
    clients: int
    uses: int
    issues: int
    same: Same | None
    methods: tuple[str, ...]
    supersedes: Literal["lineage", "none"]
    required: Literal["after-use", "learned", "never"]
    share: float
    server_issued: bool
    kindred: bool
    sticky: int
    shared: int
    rivals: int


def proposals(kept: Iterable[Pair], uses: Uses, issues: Issues) -> tuple[list[Proposal], int]:
    """The proposals, those with most uses first, and how many pairs were left out.

    Left out is what has a name that may be a secret.
    """
    shown, hidden = [], 0
    for pair in kept:
        if any(_is_hidden(at.place, uses) for at in (pair.issue, pair.present)):
            hidden += 1
        else:
            shown.append(pair)
    made: list[Proposal] = []
    taken: set[str] = set()
    ending = [pair for pair in shown if _ends(pair, uses)]
    groups = _groups([pair for pair in shown if not _ends(pair, uses)], uses)
    known = {pair.issue for group in groups for pair in group}
    groups += _groups([pair for pair in ending if pair.issue not in known], uses)
    groups.sort(key=lambda group: -max(pair.uses for pair in group))
    for group in groups:
        proposal = _proposal(group, ending, uses, issues, taken)
        taken.add(proposal.name.lower())
        made.append(proposal)
    return made, hidden


def _is_hidden(place: Place, uses: Uses) -> bool:
    """Whether a name may be a secret, or cannot be written down."""
    name = place.name.removesuffix("/{}")
    if len(name) > MAX_PLACE or not (name.isascii() and (name.isprintable() or not name)):
        return True
    parts = (name, place.scheme, *re.split(r"[/ ;]", name))
    return may_be_secret(name) or any(hash(part.lower()) in uses.lowered for part in parts)


def _ends(pair: Pair, uses: Uses) -> bool:
    """Whether only requests to revoke a value, or to log out, present it there.

    A revocation takes values of several parameters in one place (RFC 7009).
    """
    asked_at = uses.asked_at[pair.present_number]
    return all(_ENDS.search(uses.endpoints[each].path) for each in asked_at)


def _groups(kept: list[Pair], uses: Uses) -> list[list[Pair]]:
    """The pairs that are of one parameter: of a common place, or with common values.

    In a dialect each place of a request is one parameter's, whatever the origin.
    """
    owner: dict[object, int] = {}
    leader = list(range(len(kept)))

    def find(at: int) -> int:
        while leader[at] != at:
            at = leader[at]
        return at

    for at, pair in enumerate(kept):
        keys: set[object] = {("issue", pair.issue), ("present", pair.present.place)}
        if not pair.plain:
            for client, value in pair.values:
                keys.add((client, value))
                keys.update((client, form) for form in uses.forms.get(value, {}).values())
        for key in keys:
            leader[find(at)] = find(owner.setdefault(key, at))
    groups: defaultdict[int, list[Pair]] = defaultdict(list)
    for at, pair in enumerate(kept):
        groups[find(at)].append(pair)
    return list(groups.values())


def _proposal(
    group: list[Pair], ending: list[Pair], uses: Uses, issues: Issues, taken: set[str]
) -> Proposal:
    issue = {pair.issue_number: pair.issue.place for pair in group}
    present = {pair.present_number: pair.present.place for pair in group}
    values = set().union(*(pair.values for pair in group))
    methods = set().union(*(uses.methods[number] for number in present))
    asked_at = set().union(*(uses.asked_at[number] for number in present))
    share = _share(present, uses)
    issued_at: defaultdict[Place, list[Endpoint]] = defaultdict(list)
    for number, place in issue.items():
        issued_at[place] += (uses.endpoints[each] for each in sorted(issues.issued_at[number]))
    own_scheme = any(place.kind == "header" and place.scheme for place in present.values())
    best = {pair.present_number: pair for pair in sorted(group, key=lambda pair: pair.uses)}
    interleaved = any(2 * pair.interleaved > len(pair.clients) for pair in group)
    answers = set().union(*(issues.issued_at[number] for number in issue))
    in_bodies = all(place.kind in ("form", "json") for place in present.values())
    return Proposal(
        name=_name(group, taken),
        issue=tuple(dict.fromkeys(issue.values())),
        present=tuple(dict.fromkeys(present.values())),
        ends=_ended_at(group, ending, uses),
        issued_at={place: tuple(ends) for place, ends in issued_at.items()},
        presented_at=tuple(uses.endpoints[each] for each in sorted(asked_at)),
        values=len(values),
        clients=len(set().union(*(pair.clients for pair in group))),
        uses=sum(pair.uses for pair in best.values()),
        issues=sum(issues.counts[number] for number in issue),
        same=_same(values, uses),
        methods=tuple(sorted(methods)) if methods <= WRITES else (),
        supersedes="none" if own_scheme or interleaved else "lineage",
        required=(
            "learned"
            if own_scheme
            else "never"
            if share < MIN_REQUIRED or (in_bodies and asked_at <= answers)
            else "after-use"
        ),
        share=share,
        server_issued=not any(pair.plain for pair in group),
        kindred=any(pair.kindred for pair in group),
        sticky=max(pair.sticky for pair in group),
        shared=max(pair.shared for pair in group),
        rivals=sum(pair.echoes for pair in group),
    )


def _ended_at(
    group: list[Pair], ending: list[Pair], uses: Uses
) -> dict[Place, tuple[Endpoint, ...]]:
    """The places in which requests end values of a parameter, with their endpoints."""
    issues, own = {pair.issue for pair in group}, {id(pair) for pair in group}
    ended_at: defaultdict[Place, dict[Endpoint, None]] = defaultdict(dict)
    for pair in ending:
        if pair.issue in issues and id(pair) not in own:
            endpoints = sorted(uses.asked_at[pair.present_number])
            ended_at[pair.present.place].update((uses.endpoints[each], None) for each in endpoints)
    return {place: tuple(endpoints) for place, endpoints in ended_at.items()}


def _share(present: Iterable[int], uses: Uses) -> float:
    """The share of the requests to the endpoints of places that present a value in one of them."""
    presented: Counter[int] = Counter()
    for number in present:
        for endpoint, count in uses.asked_at[number].items():
            presented[endpoint] += count
    requests = sum(uses.requests[endpoint] for endpoint in presented)
    return min(1.0, presented.total() / requests) if requests else 0.0


def _name(group: list[Pair], taken: set[str]) -> str:
    """A name for the parameter: that of a place, state's own names first."""
    labels = [
        pair.present.place.label
        for pair in sorted(
            group, key=lambda pair: (pair.present.place.kind == "header", -pair.uses)
        )
        if pair.present.place.label.lower() != "authorization"
    ]
    labels += [pair.issue.place.label for pair in group]
    labels.sort(key=lambda label: not names_state(label))
    plain = [_NOT_IN_NAMES.sub("-", label).strip("-.")[:MAX_NAME] for label in labels]
    plain = [*filter(None, plain), "credential"]
    name = next((each for each in plain if each.lower() not in taken), "")
    number = 1
    while not name or name.lower() in taken:
        number += 1
        name = f"{plain[0][: MAX_NAME - 4]}-{number}"
    return name


def _same(values: set[tuple[int, int]], uses: Uses) -> Same | None:
    """The canonical form by which values of one client are one family, if there is one."""
    for same in FORMS:
        forms = [
            (client, uses.forms[value][same])
            for client, value in values
            if same in uses.forms.get(value, {})
        ]
        most = max(Counter(forms).values(), default=0)
        if most > 1 and len(forms) >= 0.8 * len(values) and len(set(forms)) <= 0.7 * len(forms):
            return same
    return None
