"""Proposals as the TOML of a dialect, each with its evidence as comments, never a value.

Enters: proposals. Leaves: text that `statetrail.dialects.loading.load` reads.
"""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from statetrail.extract.text import clean, is_token
from statetrail.suggest.affixes import Affixes, family
from statetrail.suggest.issued import PERCENT, TAIL
from statetrail.suggest.places import Place
from statetrail.suggest.proposals import Proposal
from statetrail.suggest.uses import WRITES, Endpoint

MAX_ENDPOINTS: Final = 3
"""Endpoints that a comment or a key lists."""
MAX_HOSTS: Final = 8
_WIDTH: Final = 96


def dialect_toml(name: str, found: Sequence[Proposal], notes: Iterable[str]) -> str:
    """The TOML of a dialect with these parameters.

    Parameters
    ----------
    name
        Of the dialect.
    found
        At least one proposal.
    notes
        Sentences on the captures, put in front as comments.
    """
    lines = [f"name = {_string(name)}", f'title = "Suggested from traffic: {name}"']
    lines += [*_comments(notes), ""]
    hosts = sorted({each.host for one in found for ends in one.issued_at.values() for each in ends}
                   | {each.host for one in found for each in one.presented_at})  # fmt: skip
    if hosts and len(hosts) <= MAX_HOSTS and not any(map(_is_hidden_host, hosts)):
        lines += ["[scope]", f"hosts = {_strings(hosts)}", ""]
    members, rest = family(found)
    if members is not None:
        lines += [*_family(members), ""]
    for proposal in rest:
        lines += [*_param(proposal), ""]
    return "\n".join(lines).rstrip() + "\n"


def _family(affixes: Affixes) -> Iterator[str]:
    issue: dict[str, object] = {"header": affixes.issue}
    if affixes.tail:
        issue["grammar"] = TAIL
    present: list[dict[str, object]] = []
    if affixes.present:
        present.append({"header": affixes.present})
    if affixes.query:
        present.append({"query": "{param}", "fold": True})
    yield from _comments([f"{len(affixes.members)} parameters whose fields differ by their names."])
    yield "[family]"
    yield f"issue = [{_table(issue)}]"
    yield f"present = [{', '.join(map(_table, present))}]"
    for name, proposal in affixes.members.items():
        yield ""
        yield from _comments(_evidence(proposal))
        yield "[[param]]"
        yield f"name = {_string(name)}"
        if proposal.server_issued:
            yield "minted = true"


def _param(proposal: Proposal) -> Iterator[str]:
    yield from _comments(_evidence(proposal))
    yield "[[param]]"
    yield f"name = {_string(proposal.name)}"
    if proposal.server_issued:
        yield "minted = true"
    if proposal.same is not None:
        yield f"same = {_string(proposal.same)}"
    issue = [_table(_issue(place, proposal)) for place in proposal.issue]
    yield f"issue = [{', '.join(issue)}]"
    yield f"present = [{', '.join(_table(_present(place)) for place in proposal.present)}]"
    if proposal.ends:
        ends = [_end(place, at) for place, at in proposal.ends.items()]
        yield f"ends = [{', '.join(map(_table, ends))}]"
    if proposal.methods and proposal.required != "never":
        yield f"methods = {_strings(sorted(WRITES - {'MERGE'} | set(proposal.methods)))}"
    if proposal.server_issued:
        yield f"supersedes = {_string(proposal.supersedes)}"
    yield f"required = {_string(proposal.required)}"
    if proposal.required == "learned":
        # RFC 9110, section 15.5.2.
        yield "refused = [{ status = [401] }]"


def _issue(place: Place, proposal: Proposal) -> dict[str, object]:
    table: dict[str, object] = {place.kind: place.name}
    ends = proposal.issued_at.get(place, ())
    requests = list(dict.fromkeys(f"{end.method} {end.path}" for end in ends))
    if place.kind == "json" and len(requests) <= MAX_ENDPOINTS:
        table["on"] = requests
    elif place.scheme == PERCENT:
        table["decode"] = [PERCENT]
    elif place.scheme == TAIL:
        table["grammar"] = TAIL
    elif place.scheme and place.kind == "header":
        table["from"] = f"{place.scheme} (.+)"
    return table


def _present(place: Place) -> dict[str, object]:
    table: dict[str, object] = {place.kind: place.name}
    return table | ({"scheme": place.scheme} if place.scheme else {})


def _end(place: Place, at: Sequence[Endpoint]) -> dict[str, object]:
    requests = list(dict.fromkeys(f"{end.method} {end.path}" for end in at))
    return _present(place) | ({"on": requests} if len(requests) <= MAX_ENDPOINTS else {})


def _evidence(proposal: Proposal) -> Iterator[str]:
    yield (
        f"Issued {_count(proposal.issues, 'time')}: "
        + "; ".join(
            f"{_named(place)} at {_ends(proposal.issued_at.get(place, ()))}"
            for place in proposal.issue
        )
        + "."
    )
    yield (
        f"Presented {_count(proposal.uses, 'time')} by {_count(proposal.clients, 'client')}: "
        f"{', '.join(map(_named, proposal.present))} at {_ends(proposal.presented_at)}; "
        f"that is {proposal.share:.0%} of the requests there."
    )
    each = (
        "each issued to a client before it was presented"
        if proposal.values > 1
        else ("issued to the client before it was presented")
    )
    reasons = [f"{_count(proposal.values, 'value')}, {each}"]
    if proposal.shared:
        reasons.append(f"{proposal.shared} of them presented by several clients")
    elif proposal.clients > 1 and proposal.server_issued:
        reasons.append("none presented by two clients")
    if proposal.kindred:
        reasons.append("the names are kindred")
    if proposal.sticky:
        reasons.append(f"{proposal.sticky} used three times and more at several endpoints")
    if proposal.same is not None:
        reasons.append(f"written anew each time, one by the form {proposal.same}")
    if not proposal.server_issued:
        reasons.append("short values, which count between such names alone")
    yield f"No noise: {'; '.join(reasons)}."


def _named(place: Place) -> str:
    name = place.name or "the whole document"
    scheme = f" ({place.scheme})" if place.scheme and place.kind != "json" else ""
    return clean(f"{place.kind} {name}{scheme}", 120)


def _ends(ends: Sequence[Endpoint]) -> str:
    shown = list(dict.fromkeys(f"{end.method} {end.path}" for end in ends))
    more = f" and {len(shown) - MAX_ENDPOINTS} more" if len(shown) > MAX_ENDPOINTS else ""
    return clean(", ".join(shown[:MAX_ENDPOINTS]), 200) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _comments(sentences: Iterable[str]) -> Iterator[str]:
    for sentence in sentences:
        plain = sentence.encode("ascii", "replace").decode()
        yield from textwrap.wrap(
            plain, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False
        )


def _is_hidden_host(host: str) -> bool:
    return any(map(is_token, host.split("."))) or not host.isprintable() or len(host) > 255


def _table(members: dict[str, object]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in members.items()) + " }"


def _value(value: object) -> str:
    if isinstance(value, list):
        return _strings(value)
    return "true" if value is True else _string(str(value))


def _strings(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, values))}]"


def _string(text: str) -> str:
    # JSON's escapes are TOML's as well.
    return json.dumps(text).replace("\x7f", "\\u007f")
