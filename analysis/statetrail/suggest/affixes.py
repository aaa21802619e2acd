"""Families: three parameters and more whose fields differ from their names by one affix.

Enters: proposals. Leaves: `Affixes` (``x-set-{param}``, ``x-{param}``) with its members, if there
are any, and the proposals that are left.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from statetrail.suggest.issued import TAIL
from statetrail.suggest.proposals import Proposal

MIN_MEMBERS: Final = 3
"""Parameters from which on an affix makes a family."""


@dataclass(frozen=True, slots=True)
class Affixes:
    """A family: its places with ``{param}`` for a name, and its members by that name."""

    issue: str
    present: str | None
    query: bool
    tail: bool
    members: dict[str, Proposal]


def family(found: Sequence[Proposal]) -> tuple[Affixes | None, list[Proposal]]:
    """The largest family of the proposals, and those that are not in it."""
    groups: defaultdict[tuple[str, str], dict[str, Proposal]] = defaultdict(dict)
    for proposal in found:
        if (split := _split(proposal)) is not None:
            before, present, name = split
            groups[before, present].setdefault(name, proposal)
    # Who is presented in the query alone tells nothing of the field's affix.
    for (before, present), members in list(groups.items()):
        if not present:
            for (other, affix), more in groups.items():
                if other == before and affix:
                    more.update({k: v for k, v in members.items() if k not in more})
    best = max(groups.items(), key=lambda each: len(each[1]), default=None)
    if best is None or len(best[1]) < MIN_MEMBERS:
        return None, list(found)
    (before, present), members = best
    places = [place for each in members.values() for place in each.present]
    made = Affixes(
        issue=before,
        present=present or None,
        query=any(place.kind == "query" for place in places),
        tail=any(p.scheme == TAIL for each in members.values() for p in each.issue),
        members=members,
    )
    inside = {id(each) for each in members.values()}
    return made, [each for each in found if id(each) not in inside]


def _split(proposal: Proposal) -> tuple[str, str, str] | None:
    """The affixes of a proposal's fields, and the name that is left; its query's spelling of it."""
    if len(proposal.issue) != 1 or proposal.issue[0].kind != "header":
        return None
    issue = proposal.issue[0].name
    headers = [place.name for place in proposal.present if place.kind == "header"]
    queries = [place.name for place in proposal.present if place.kind == "query"]
    if len(headers) + len(queries) != len(proposal.present) or len(headers) > 1:
        return None
    names = {name.lower() for name in queries}
    if headers:
        names.add(_common_end(issue, headers[0]))
    if len(names) != 1 or not (name := names.pop()) or not issue.endswith(name):
        return None
    before = issue.removesuffix(name)
    present = headers[0].removesuffix(name) if headers else ""
    if not before or (
        headers and not (headers[0].endswith(name) and present and before != present)
    ):
        return None
    return f"{before}{{param}}", f"{present}{{param}}" if present else "", (queries or [name])[0]


def _common_end(one: str, other: str) -> str:
    """The longest common end of two names of fields that begins after a hyphen."""
    steps, more = one.split("-"), other.split("-")
    common = 0
    while common < min(len(steps), len(more)) and steps[-1 - common] == more[-1 - common]:
        common += 1
    return "-".join(steps[len(steps) - common :]) if common else ""
