"""Labels: what each client deserves for what it knew and did.

Enters: the exchanges of a simulated world. Leaves: for each exchange and parameter the verdict
that the protocol page gives such a deed, and for a fault the one thing that explains it, if there
is one.

The deed says what the client meant; the times only say whether that can be proven. An issue is
visible to a request once its reply had ended and the grace period had passed before the request
began. It is replaced once a reply that began after its own end is visible too. Ties count for the
client.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from studies.labelled.characters import GRACE_MS
from studies.labelled.wire import TOKEN, Deed, Exchange, Issue

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
    """The labels of a world; exchanges are numbered from 1 in the order given."""
    of_client: dict[int, list[tuple[int, Exchange]]] = defaultdict(list)
    for number, exchange in enumerate(exchanges, 1):
        of_client[exchange.client].append((number, exchange))
    return [made for one in of_client.values() for made in _label_client(one)]


def _label_client(own: list[tuple[int, Exchange]]) -> Iterable[Label]:
    sent: dict[tuple[str, str], list[_Sent]] = defaultdict(list)
    for _, exchange in own:
        if exchange.begun is not None:
            for issue in exchange.issued:
                sent[issue.dialect, issue.param].append((exchange.begun, exchange.ended, issue))
    for number, exchange in own:
        deeds = {(deed.dialect, deed.param): deed for deed in exchange.deeds}
        for key in sorted(sent.keys() | deeds.keys()):
            deed = deeds.get(key)
            known = [one for one in sent[key] if one[0] <= exchange.start]
            verdict = _verdict(exchange, deed, key, known)
            if verdict is None:
                continue
            motive = deed.motive if deed else "none"
            assert not (motive == "obey" and verdict in FAULTS), (number, deed, known)
            # A value written in another way is explained also where it is no fault.
            explained = verdict in FAULTS or (motive == "variant" and verdict == "foreign")
            cause = deed.cause if deed and explained else None
            yield Label(number, *key, verdict, cause, motive)


def _verdict(
    exchange: Exchange, deed: Deed | None, key: tuple[str, str], known: list[_Sent]
) -> str | None:
    """The verdict that a deed deserves; `None`: there is nothing to judge."""
    minted = key[1] == TOKEN
    issued = {issue.value for _, _, issue in known}
    strange = deed is not None and deed.value not in (None, *issued) and deed.motive != "restart"
    if not any(not issue.malformed for _, _, issue in known) and not (minted and strange):
        return None
    if deed is None or not _binds(exchange, key):
        return "not-applicable"
    if minted and strange:
        return "foreign"
    visible = [
        (begun, ended, issue)
        for begun, ended, issue in known
        if ended is not None and ended + GRACE_MS < exchange.start and not issue.malformed
    ]
    if not visible:
        return "in-flight"
    newest = max(begun for begun, _, _ in visible)
    implicit = visible[0][2].usage == "implicit"
    current = {issue.value for _, ended, issue in visible if ended is not None and ended >= newest}
    # Not visible yet, or never ended, or from a malformed header: nothing has replaced these.
    fresh = {issue.value for _, ended, issue in known if ended is None or ended >= newest}
    if deed.value is None:
        return "not-applicable" if implicit else "omitted"
    match deed.motive:
        case "restart":
            return "restarted"
        case _ if implicit:
            return "implicit-set"
        case _ if strange:
            return "defied" if visible[0][2].priority == "forced" else "overridden"
    if deed.value not in fresh:
        return "stale"
    if deed.value not in current:
        return "in-flight"
    # A malformed header names no place, so that none is wrong while it stands.
    placeless = any(
        issue.malformed and issue.value == deed.value and (ended is None or ended >= newest)
        for _, ended, issue in known
    )
    return "misplaced" if deed.motive == "misplace" and not placeless else "honoured"


def _binds(exchange: Exchange, key: tuple[str, str]) -> bool:
    """Whether the protocol binds the request to the parameter at all."""
    endpoint = exchange.endpoint
    if endpoint.method == "OPTIONS" or endpoint.dialect != key[0]:
        return False
    return key[1] != "Authentication" or endpoint.takes_authentication
