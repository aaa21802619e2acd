"""Outcomes by declarations: what became of session cookies and access tokens.

Enters: a bucket whose values are judged by declarations. Leaves: which uses survived, which ended.

Most pages are the same with and without a session, so that a success says little. A use *ended*
where the response refuses the value (401, `Param.refused`), deletes it, or redirects to a login. A
403 alone says nothing: it is also for what has nothing to do with the credentials (RFC 9110,
section 15.5.4), such as a CSRF token that is missing. A use *survived* where the response issues
the value again, or is a success at an endpoint that was seen to end some use or to refuse a request
without one: there the value was needed.

A response that issues another value ends the one presented, too, unless the server is *rolling*: of
the uses of the parameter half or more are answered with another value.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from statetrail.analyses.columnar.arrays import Bools, Ints, distinct, unique, within
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import acting
from statetrail.analyses.conformance.declared.declarations import Declarations
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, pairs

type Series = tuple[str, str, str]

UNAUTHORIZED: Final = 401
ROLLING: Final = 0.5
"""Share of the uses answered with another value from which on a server renews by every answer."""


@dataclass(frozen=True)
class DeclaredTraits:
    """What the whole recording shows of parameters that are judged by declarations.

    Attributes
    ----------
    refusing, replacing
        The endpoints that ended a use, or refused a request without a value, and those that
        answered a use with another value: with the endpoint in front.
    uses, renewed
        How many uses were answered with success, and how many of them with another value.
    """

    refusing: set[tuple[str, Series]] = field(default_factory=set)
    replacing: set[tuple[str, Series]] = field(default_factory=set)
    uses: dict[Series, int] = field(default_factory=dict)
    renewed: dict[Series, int] = field(default_factory=dict)

    def add(self, other: "DeclaredTraits") -> None:
        """Take in what another bucket shows."""
        self.refusing.update(other.refusing)
        self.replacing.update(other.replacing)
        for mine, more in ((self.uses, other.uses), (self.renewed, other.renewed)):
            for series, count in more.items():
                mine[series] = mine.get(series, 0) + count

    def rolling(self, series: Series) -> bool:
        """Whether the server renews the value by every answer."""
        return self.renewed.get(series, 0) >= ROLLING * self.uses.get(series, 1)

    def tells(self, endpoint: str, series: Series) -> bool:
        """Whether a success at the endpoint shows that the value was taken."""
        place = (endpoint, series)
        return place in self.refusing or (place in self.replacing and not self.rolling(series))


def holds(bucket: Bucket) -> Bools:
    """The parameters whose values live until an idle time or an age: of sessions, and access
    tokens."""
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    held = [
        dialects[dialect].key_rank(param) is not None
        or dialects[dialect].required(param) == "learned"
        for dialect, param in bucket.params
    ]
    return np.array(held, dtype=np.bool_)


def refused_here(bucket: Bucket, declared: Declarations, exchange: Ints, param: Ints) -> Bools:
    """Whether each response refuses a value of the parameter, deletes it, or leads to a login."""
    exchanges = bucket.exchanges
    refused: Bools = exchanges.status[exchange] == UNAUTHORIZED
    refused |= declared.refused[exchange, param]
    redirect = exchanges.redirect[exchange]
    leads = (redirect >= 0) & (redirect != exchanges.endpoint[exchange])
    refused |= leads & acting(bucket, "login")[redirect, param]
    width = max(len(bucket.params), 1)
    void = np.flatnonzero(declared.void)
    deleting = (
        bucket.issued.exchange[void] * width + bucket.series_param[bucket.issued.series[void]]
    )
    return refused | within(exchange * width + param, deleting)


def lost_from(bucket: Bucket, history: History, declared: Declarations) -> Ints:
    """From when on each value was lost, as a rank; `FOREVER` for those that were not.

    The server refuses it at an endpoint that it had taken it at before.
    """
    exchanges, uses, count = bucket.exchanges, history.uses, max(len(bucket.endpoints), 1)
    refused = refused_here(bucket, declared, uses.exchange, bucket.series_param[uses.series])
    status = exchanges.status[uses.exchange]
    taken = (status >= 200) & (status < 300) & ~refused
    places, place = distinct(
        pairs(uses.value, exchanges.endpoint[uses.exchange], count), len(bucket.values) * count
    )
    first = np.full(len(places), FOREVER)
    np.minimum.at(first, place[taken], exchanges.response_end[uses.exchange[taken]])
    refused &= first[place] <= exchanges.request_start[uses.exchange]
    lost = np.full(len(bucket.values), FOREVER)
    np.minimum.at(lost, uses.value[refused], exchanges.response_end[uses.exchange[refused]])
    return lost


def declared_traits(
    bucket: Bucket, history: History, declared: Declarations, names: list[Series]
) -> DeclaredTraits:
    """What a bucket shows of its parameters."""
    exchanges, uses, traits = bucket.exchanges, history.uses, DeclaredTraits()
    count = len(names)
    held = holds(bucket)
    use = np.flatnonzero(held[bucket.series_param[uses.series]])
    exchange, series = uses.exchange[use], uses.series[use]
    param, endpoint = bucket.series_param[series], exchanges.endpoint[exchange]
    ended = refused_here(bucket, declared, exchange, param)
    status = exchanges.status[exchange]
    success = (status >= 200) & (status < 300) & ~ended
    another = uses.answered[use] & ~uses.again[use]
    login = acting(bucket, "login")[endpoint, param]
    for which, places in ((ended, traits.refusing), (success & another & ~login, traits.replacing)):
        keys = unique(pairs(endpoint[which], series[which], count))
        places.update((bucket.endpoints[k // count][1], names[k % count]) for k in keys.tolist())
    for which, counts in ((success, traits.uses), (success & another, traits.renewed)):
        for number, times in enumerate(np.bincount(series[which], minlength=count).tolist()):
            if times:
                counts[names[number]] = counts.get(names[number], 0) + times
    # Requests without a value, too: what is refused to them is kept for those who have one.
    every = np.arange(len(exchanges), dtype=np.int64)
    for of in np.flatnonzero(held).tolist():
        refuse = refused_here(bucket, declared, every, np.full(len(every), of))
        keys = pairs(exchanges.client[refuse], exchanges.endpoint[refuse], len(bucket.endpoints))
        for key in unique(keys).tolist():
            client, place = divmod(key, max(len(bucket.endpoints), 1))
            name = (bucket.clients[client][1], *bucket.params[of])
            traits.refusing.add((bucket.endpoints[place][1], name))
    return traits
