"""Aftermath: whether the user of a lost session went on and saw that it was lost.

Enters: a bucket, the requests that were made in sessions, and when sessions ended. Leaves: a flag
per session. Only who surely saw the loss, went on and did nothing about it can be blamed for it.

1.  Who holds a session must know of its end once the response that ended it has arrived and the
    grace period has passed (rule R2): requests begun before tell nothing.
2.  Where a sender has several sessions of a parameter at once it may be several users (rule L4).
    The user of the lost one is then known only in the sessions that followed it by a rotation; else
    in each request of the sender.
3.  A login after the end, also one that the end came with, brings the customer's own cart, and a
    cart that the server failed to write was written all the same: neither leaves anything to blame.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.details import extremes

type Followers = Mapping[int, set[int]]
"""The sessions that followed each session directly."""


@dataclass(frozen=True, slots=True)
class SessionRequests:
    """The requests that were made in sessions (the first token of each), and what they did.

    `failed`: a cart write that did not succeed. `settles`: an order or a logout.
    """

    exchange: Ints
    session: Ints
    login: Bools
    cart: Bools
    failed: Bools
    settles: Bools


def followers_of(before: Ints, after: Ints) -> Followers:
    """The sessions that followed each session, of all pairs."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for one, following in zip(before.tolist(), after.tolist(), strict=True):
        found[one].add(following)
    return found


def went_on(
    bucket: Bucket,
    requests: SessionRequests,
    session: Ints,
    ended: Ints,
    followers: Followers,
) -> Bools:
    """Whether the user of each session saw that it was lost, went on, and let its cart be.

    `ended` is when each session ended, as the rank of a response's start; -1: it did not.
    """
    exchanges, count = bucket.exchanges, len(bucket.clients)
    start, sender = (
        each[requests.exchange] for each in (exchanges.request_start, exchanges.client)
    )
    response = exchanges.response_start[requests.exchange]
    own = bucket.series_client[bucket.values.series[session]]
    known = _known(bucket, own, ended)
    last, last_login, last_failed = (
        extremes(sender[which], moment[which], count)[1][own]
        for which, moment in (
            (np.ones(len(start), dtype=np.bool_), start),
            (requests.login, response),
            (requests.failed, start),
        )
    )
    of_session = dict(zip(*_last(requests.session, start), strict=True))
    several = _several(bucket, requests.session, start)[bucket.values.series[session]]
    for place in np.flatnonzero(several & (known < FOREVER)).tolist():
        after = _after(int(session[place]), followers)
        last[place] = max((of_session.get(each, NOTHING) for each in after), default=NOTHING)
    let_be: Bools = (ended >= 0) & (last_login < ended) & (last_failed <= ended)
    return let_be & (last > known)


def _known(bucket: Bucket, client: Ints, ended: Ints) -> Ints:
    """From when on each client must know of the response that began at that moment."""
    exchanges = bucket.exchanges
    index = AsOfIndex(
        exchanges.client * exchanges.span + exchanges.response_start,
        exchanges.visible_from,
        exchanges.span,
    )
    latest = index.maxima(exchanges.visible_from)
    at = index.at(client * exchanges.span + ended, np.full(len(ended), exchanges.span - 1))
    known = np.where(at == NOTHING, FOREVER, latest[at])
    never = exchanges.clock[np.minimum(known, exchanges.span - 1)] >= FOREVER
    return np.where((ended < 0) | never, FOREVER, known)


def _several(bucket: Bucket, session: Ints, start: Ints) -> Bools:
    """The series of which one session was begun before another one's last request."""
    name, place = np.unique(session, return_inverse=True)
    first, last = extremes(place, start, len(name))
    series = bucket.values.series[name]
    order = np.lexsort((-last, first, series))
    series, first, last = series[order], first[order], last[order]
    # Series lie so far apart that the latest request so far is one of the same series.
    span = bucket.exchanges.span + 1
    latest = np.maximum.accumulate(series * span + last)
    several = np.zeros(len(bucket.series_client), dtype=np.bool_)
    several[series[1:][(series * span + first)[1:] < latest[:-1]]] = True
    return several


def _last(session: Ints, start: Ints) -> tuple[list[int], list[int]]:
    """The sessions, and the start of the last request in each."""
    name, place = np.unique(session, return_inverse=True)
    return name.tolist(), extremes(place, start, len(name))[1].tolist()


def _after(session: int, followers: Followers) -> set[int]:
    """The sessions that followed, directly or by others."""
    found: set[int] = set()
    ahead = [session]
    while ahead:
        ahead = [each for old in ahead for each in followers.get(old, ()) if each not in found]
        found.update(ahead)
    return found
