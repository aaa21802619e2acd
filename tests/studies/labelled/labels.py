"""Labels: what each client deserves for what it knew and did.

Enters: simulated exchanges. Leaves: for each exchange and parameter the verdict that the protocol
page gives such an action, and for a fault the one thing that explains it, if there is one.

The action says what the client meant; the times only say whether that can be proven. An issue is
visible to a request once its reply had end and the grace period had passed before the request
began. It is replaced once a reply that began after its own end is visible too. Ties count for the
client.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from studies.simulation.characters import GRACE_MS
from studies.simulation.wire import TOKEN, Action, Exchange, Issue

FAULTS = ("omitted", "stale", "defied", "misplaced", "implicit-set", "restarted")


@dataclass(frozen=True, slots=True)
class Label:
    """What is true of one exchange and parameter."""

    exchange: int
    dialect: str
    param: str
    verdict: str
    cause: str | None
    motive: str


type _Sent = tuple[int, int | None, Issue]


def label(exchanges: list[Exchange]) -> list[Label]:
    """The labels of a capture; exchanges are numbered from 1 in the order given."""
    of_client: dict[int, list[tuple[int, Exchange]]] = defaultdict(list)
    for number, exchange in enumerate(exchanges, 1):
        of_client[exchange.client].append((number, exchange))
    return [made for one in of_client.values() for made in _label_client(one)]


def _label_client(own: list[tuple[int, Exchange]]) -> Iterable[Label]:
    sent: dict[tuple[str, str], list[_Sent]] = defaultdict(list)
    for _, exchange in own:
        if exchange.response_start is not None:
            for issue in exchange.issued:
                sent[issue.dialect, issue.param].append(
                    (exchange.response_start, exchange.response_end, issue)
                )
    for number, exchange in own:
        actions = {(action.dialect, action.param): action for action in exchange.actions}
        for key in sorted(sent.keys() | actions.keys()):
            action = actions.get(key)
            known = [one for one in sent[key] if one[0] <= exchange.request_start]
            verdict = _verdict(exchange, action, key, known)
            if verdict is None:
                continue
            motive = action.motive if action else "none"
            assert not (motive == "obey" and verdict in FAULTS), (number, action, known)
            # A value written in another way is explained also where it is no fault.
            explained = verdict in FAULTS or (motive == "variant" and verdict == "foreign")
            cause = action.cause if action and explained else None
            yield Label(number, *key, verdict, cause, motive)


def _verdict(
    exchange: Exchange, action: Action | None, key: tuple[str, str], known: list[_Sent]
) -> str | None:
    """The verdict that an action deserves; `None`: there is nothing to judge."""
    server_issued = key[1] == TOKEN
    issued = {issue.value for _, _, issue in known}
    strange = (
        action is not None and action.value not in (None, *issued) and action.motive != "restart"
    )
    if not any(not issue.malformed for _, _, issue in known) and not (server_issued and strange):
        return None
    if action is None or not _binds(exchange, key):
        return "not-applicable"
    if server_issued and strange:
        return "foreign"
    visible = [
        (start, end, issue)
        for start, end, issue in known
        if end is not None and end + GRACE_MS < exchange.request_start and not issue.malformed
    ]
    if not visible:
        return "in-flight"
    newest = max(start for start, _, _ in visible)
    implicit = visible[0][2].usage == "implicit"
    current = {issue.value for _, end, issue in visible if end is not None and end >= newest}
    # Not visible yet, or never end, or from a malformed header: nothing has replaced these.
    fresh = {issue.value for _, end, issue in known if end is None or end >= newest}
    if action.value is None:
        return "not-applicable" if implicit else "omitted"
    match action.motive:
        case "restart":
            return "restarted"
        case _ if implicit:
            return "implicit-set"
        case _ if strange:
            return "defied" if visible[0][2].priority == "forced" else "overridden"
    if action.value not in fresh:
        return "stale"
    if action.value not in current:
        return "in-flight"
    # A malformed header names no place, so that none is wrong while it stands.
    placeless = any(
        issue.malformed and issue.value == action.value and (end is None or end >= newest)
        for _, end, issue in known
    )
    return "misplaced" if action.motive == "misplace" and not placeless else "honoured"


def _binds(exchange: Exchange, key: tuple[str, str]) -> bool:
    """Whether the protocol binds the request to the parameter at all."""
    endpoint = exchange.endpoint
    if endpoint.method == "OPTIONS" or endpoint.dialect != key[0]:
        return False
    return key[1] != "Authentication" or endpoint.takes_authentication
