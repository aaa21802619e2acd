"""Obligations: which values a request owes, by the narrowest rule that its client has shown.

Enters: a bucket, and the lives of its values. Leaves: requests that lack a value which they owe.

A request owes a value of a parameter where all of this holds:

- the client must know an issue of it, and none of what ends the newest one may have happened;
- the request's method is one that owes it (`Param.methods`), and neither HEAD nor one that carries
  no state; the endpoint allows the parameter;
- `Param.required`: ``always``; ``after-use``: the client presented one at that endpoint before (a
  cookie: at that origin); ``learned``: a request of the client for that endpoint was refused for
  the lack of one;
- it presents none of the parameters that free from this one (`Param.instead`).

A cookie is owed (C8 of the model) only where the request has a `Cookie` field, with another value
of 32 bits or more that the client sent together with the due one before: the same jar. It is owed
only if a user agent sends it there (RFC 6265bis, section 5.8.3); a cookie without a lifetime ends
when its browser is closed, so that after a pause (`PAUSE_US`) the other value has to be one without
a lifetime, too. It counts once: it is taken to be evicted then, until it is sent or issued again. A
request that presents a credential of another kind, such as a bearer token, owes no cookie. A
program (it never sends Fetch Metadata) that is told apart by an identity of its own has one jar,
and no sites: it owes a cookie also where it sends none at all.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among, unique
from statetrail.analyses.columnar.bucket import ESTABLISH, HIDDEN, VALUE, Bucket
from statetrail.analyses.columnar.dialect_masks import acting, in_own_paths
from statetrail.analyses.conformance.declared.declarations import Declarations
from statetrail.analyses.conformance.declared.jars import jar_groups
from statetrail.analyses.conformance.declared.lifecycles import Lifecycles
from statetrail.analyses.conformance.declared.newest import leaves_open, newest_issues
from statetrail.analyses.conformance.visibility import FOREVER, PAUSE_US
from statetrail.dialects import Dialect
from statetrail.dialects.cookies.retrieval import DUE, obligation

CELLS = 4_000_000
"""Pairs of a request and a parameter that are worked on at a time."""
type Texts = npt.NDArray[np.str_]


def owed(
    bucket: Bucket,
    declared: Declarations,
    lifecycles: Lifecycles,
    allowed: Bools,
    acts: Ints,
    *,
    one_jar: bool,
) -> tuple[Ints, Ints]:
    """The requests, and the series of which each lacks a value that it owes.

    `one_jar`: clients are answers apart by an identity of their own (a header, a proxy user).
    """
    program = _programs(bucket, declared) & one_jar
    found = [np.empty((2, 0), dtype=np.int64)]
    first = _first_known(bucket, lifecycles, acts)
    required = _required(bucket)
    series = np.flatnonzero((first < FOREVER) & (required != "never")[bucket.series_param])
    presents = _presents(bucket)
    for exchange, of in _cells(bucket, series):
        missing = first[of] < bucket.exchanges.request_start[exchange]
        missing &= _may_owe(bucket, declared, allowed, program, exchange, of)
        exchange, of = exchange[missing], of[missing]
        key = exchange * max(len(bucket.series_client), 1) + of
        lacks = among(presents, key) == NOTHING
        exchange, of = exchange[lacks], of[lacks]
        shown = _has_shown(bucket, declared, lifecycles, required, exchange, of)
        shown &= ~_freed(bucket, presents, exchange, of)
        exchange, of = exchange[shown], of[shown]
        owes = _owes(bucket, declared, lifecycles, program, exchange, of)
        found.append(np.stack([exchange[owes], of[owes]]))
    exchange, of = np.concatenate(found, axis=1)
    once = _once(bucket, lifecycles, exchange, of)
    return exchange[once], of[once]


def _dialects(bucket: Bucket) -> list[tuple[Dialect, str]]:
    known = {dialect.name: dialect for dialect in bucket.dialects}
    return [(known[dialect], param) for dialect, param in bucket.params]


def _required(bucket: Bucket) -> Texts:
    return np.array([str(dialect.required(name)) for dialect, name in _dialects(bucket)], np.str_)


def _of_browser(bucket: Bucket) -> Bools:
    """The parameters that are cookies of a browser's store."""
    stores = [d.family.store == "browser" for d, _ in _dialects(bucket)]
    return np.array(stores, dtype=np.bool_)


def _first_known(bucket: Bucket, lifecycles: Lifecycles, acts: Ints) -> Ints:
    """From when on an issue of each series must be known; `FOREVER` for none."""
    issued, first = bucket.issued, np.full(len(bucket.series_client), FOREVER)
    rows = lifecycles.issue[lifecycles.binding[lifecycles.issue]]
    np.minimum.at(first, issued.series[rows], bucket.exchanges.visible_from[issued.exchange[rows]])
    known: Ints = np.maximum(first, acts)
    return known


def _cells(bucket: Bucket, series: Ints) -> Iterator[tuple[Ints, Ints]]:
    """The pairs of a request and a series of its client, some at a time."""
    client = bucket.exchanges.client
    own = bucket.series_client[series]
    series, own = series[np.argsort(own, kind="stable")], np.sort(own)
    begins, ends = np.searchsorted(own, client), np.searchsorted(own, client, "right")
    times = ends - begins
    size = np.cumsum(times)
    start = 0
    while start < len(client):
        before = size[start - 1] if start else 0
        stop = max(int(np.searchsorted(size, before + CELLS, "right")), start + 1)
        here = np.arange(start, min(stop, len(client)))
        exchange = np.repeat(here, times[here])
        offset = np.cumsum(times[here]) - times[here]
        nth = np.arange(len(exchange)) - np.repeat(offset, times[here])
        yield exchange, series[begins[exchange] + nth] if len(series) else exchange
        start = stop


def _presents(bucket: Bucket) -> Ints:
    """The requests with the series that they present something of, as sorted keys."""
    presented = bucket.presented
    shows = np.isin(presented.kind, (VALUE, ESTABLISH, HIDDEN))
    key = presented.exchange[shows] * max(len(bucket.series_client), 1) + presented.series[shows]
    return unique(key)


def _programs(bucket: Bucket, declared: Declarations) -> Bools:
    """The clients that never send Fetch Metadata: programs, whose jar knows no sites."""
    metadata = np.array([each.fetch_site is not None for each in declared.contexts], dtype=np.bool_)
    program = np.ones(len(bucket.clients), dtype=np.bool_)
    program[bucket.exchanges.client[metadata[declared.context]]] = False
    return program


def _may_owe(
    bucket: Bucket,
    declared: Declarations,
    allowed: Bools,
    program: Bools,
    exchange: Ints,
    series: Ints,
) -> Bools:
    """Whether the method and the endpoint let each request owe a value."""
    exchanges, param = bucket.exchanges, bucket.series_param[series]
    endpoint = exchanges.endpoint[exchange]
    grid = np.array(
        [
            [not _methods(d, name) or method in _methods(d, name) for d, name in _dialects(bucket)]
            for method in declared.methods
        ],
        dtype=np.bool_,
    ).reshape(len(declared.methods), len(bucket.params))
    may = grid[declared.method[exchange], param] & allowed[endpoint, param]
    may &= exchanges.open[exchange] & ~exchanges.heads[exchange]
    may &= ~acting(bucket, "health")[endpoint, param]
    may &= in_own_paths(bucket)[endpoint, param]
    has_jar = declared.has_cookies[exchange] | program[exchanges.client[exchange]]
    return may & ((has_jar & ~declared.carries[exchange]) | ~_of_browser(bucket)[param])


def _methods(dialect: Dialect, name: str) -> tuple[str, ...]:
    param = dialect.param(name)
    return () if param is None else param.methods


def _has_shown(
    bucket: Bucket,
    declared: Declarations,
    lifecycles: Lifecycles,
    required: Texts,
    exchange: Ints,
    series: Ints,
) -> Bools:
    """Whether the client has shown that it owes a value there, or owes it always."""
    exchanges, presented = bucket.exchanges, bucket.presented
    kind, moment = required[bucket.series_param[series]], exchanges.request_start[exchange]
    shown: Bools = kind == "always"
    place = _places(bucket)
    width = int(place.max(initial=0)) + 1

    def group(exchange: Ints, series: Ints) -> Ints:
        by_origin = _of_browser(bucket)[bucket.series_param[series]]
        endpoint = exchanges.endpoint[exchange]
        at = np.where(by_origin, place[endpoint], endpoint + width)
        return series * (width + len(bucket.endpoints)) + at

    use = np.flatnonzero(presented.kind == VALUE)
    index = AsOfIndex(
        group(presented.exchange[use], presented.series[use]),
        exchanges.request_start[presented.exchange[use]],
        exchanges.span,
    )
    after = kind == "after-use"
    shown |= after & (index.at(group(exchange, series), moment, inclusive=False) != NOTHING)
    learned = kind == "learned"
    if learned.any():
        bare, of = _refused_bare(bucket, declared)
        index = AsOfIndex(group(bare, of), exchanges.visible_from[bare], exchanges.span)
        shown |= learned & (index.at(group(exchange, series), moment, inclusive=False) != NOTHING)
    return shown


def _places(bucket: Bucket) -> Ints:
    """The origin of each endpoint, as a number."""
    numbers: dict[str, int] = {}
    origins = [numbers.setdefault(origin, len(numbers)) for origin, _ in bucket.endpoints]
    return np.array(origins, dtype=np.int64)


def _refused_bare(bucket: Bucket, declared: Declarations) -> tuple[Ints, Ints]:
    """The requests that were refused for the lack of a value, and its series."""
    exchange, param = np.nonzero(declared.refused)
    params = max(len(bucket.params), 1)
    keys = bucket.series_client * params + bucket.series_param
    order = np.argsort(keys)
    place = among(keys[order], bucket.exchanges.client[exchange] * params + param)
    series = np.append(order, NOTHING)[place]
    bare = series != NOTHING
    key = exchange * max(len(bucket.series_client), 1) + series
    bare &= among(_presents(bucket), key) == NOTHING
    return exchange[bare], series[bare]


def _freed(bucket: Bucket, presents: Ints, exchange: Ints, series: Ints) -> Bools:
    """Whether each request presents a parameter that frees from its own."""
    freed = np.zeros(len(exchange), dtype=np.bool_)
    params, count = max(len(bucket.params), 1), max(len(bucket.series_client), 1)
    keys = bucket.series_client * params + bucket.series_param
    order = np.argsort(keys)
    places = {param: at for at, param in enumerate(bucket.params)}
    for at, (dialect, name) in enumerate(_dialects(bucket)):
        param = dialect.param(name)
        for other in () if param is None else param.instead:
            number = places.get((dialect.name, other))
            rows = np.flatnonzero(bucket.series_param[series] == at)
            if number is None or not len(rows):
                continue
            client = bucket.exchanges.client[exchange[rows]]
            place = among(keys[order], client * params + number)
            of = np.append(order, NOTHING)[place]
            here = among(presents, exchange[rows] * count + of) != NOTHING
            freed[rows] |= here & (of != NOTHING)
    return freed


def _owes(
    bucket: Bucket,
    declared: Declarations,
    lifecycles: Lifecycles,
    program: Bools,
    exchange: Ints,
    series: Ints,
) -> Bools:
    """Whether the newest value that must be known is surely alive, and is to be sent there."""
    issued, exchanges = bucket.issued, bucket.exchanges
    rows = lifecycles.issue[lifecycles.binding[lifecycles.issue]]
    moment = exchanges.request_start[exchange]
    newest, owned = newest_issues(bucket, lifecycles, rows, exchange, series)
    owes = newest != NOTHING
    row = rows[newest[owes]]
    value = issued.value[row]
    alive = ~lifecycles.may_have_ended(row, exchange[owes], moment[owes])
    alive &= ~leaves_open(bucket, declared, lifecycles, row, moment[owes])
    browser = np.flatnonzero(alive & _of_browser(bucket)[bucket.series_param[series[owes]]])
    own = program[exchanges.client[exchange[owes][browser]]]
    alive[browser] = _is_sent(bucket, declared, row[browser], exchange[owes][browser], own)
    other = browser[alive[browser] & ~own]
    # What several jars may have is due only in the one that it was given.
    alive[other] &= owned[owes][other] | lifecycles.jars.distinctive[value[other]]
    other = other[alive[other]]
    lasting = _lasting(bucket, declared, lifecycles)
    alive[other] = _same_jar(bucket, lifecycles, lasting, value[other], exchange[owes][other])
    owes[owes] = alive
    return cast("Bools", owes)


def _is_sent(
    bucket: Bucket, declared: Declarations, issue: Ints, exchange: Ints, program: Bools
) -> Bools:
    """Whether a user agent sends the cookie of each issue with each request; `program`: one that
    knows no sites."""
    width = max(len(declared.cookies), 1)
    pairs, place = np.unique(
        declared.context[exchange] * width + declared.cookie[issue], return_inverse=True
    )
    answers = [
        obligation(declared.cookies[pair % width], declared.contexts[pair // width])
        for pair in pairs.tolist()
    ]
    sent = np.array([each == DUE for each in answers], dtype=np.bool_)[place]
    unclear = [each.reason == "unknown-context" for each in answers]
    unknown = np.array(unclear, dtype=np.bool_)[place]
    return sent | (unknown & program)


def _lasting(bucket: Bucket, declared: Declarations, lifecycles: Lifecycles) -> Bools:
    """The values that may outlive the closing of a browser: not those issued without an end."""
    rows, lasting = lifecycles.issue, np.ones(len(bucket.values), dtype=np.bool_)
    lasting[bucket.issued.value[rows]] = False
    ends = (declared.lifetime_us[rows] >= 0) | declared.unclear[rows]
    lasting[bucket.issued.value[rows[ends]]] = True
    return lasting


def _same_jar(
    bucket: Bucket, lifecycles: Lifecycles, lasting: Bools, value: Ints, exchange: Ints
) -> Bools:
    """Whether each request presents a value that was presented together with the due one before.

    After a pause the browser may have been closed: what outlives that is no evidence then.
    """
    presented, values, exchanges = bucket.presented, bucket.values, bucket.exchanges
    clock = exchanges.clock[exchanges.request_start]
    same = np.zeros(len(value), dtype=np.bool_)
    if not len(value):
        return same
    use = np.flatnonzero(presented.kind == VALUE)
    long = lifecycles.jars.distinctive
    begins = np.searchsorted(presented.exchange[use], np.arange(len(bucket.exchanges) + 1))
    by_value = use[np.argsort(presented.value[use], kind="stable")]
    first = np.searchsorted(presented.value[by_value], np.arange(len(values) + 1))
    for at in range(len(value)):
        beside = use[begins[exchange[at]] : begins[exchange[at] + 1]]
        jar = presented.value[beside]
        jar = jar[long[jar]]
        if not len(jar):
            continue
        earlier = presented.exchange[by_value[first[value[at]] : first[value[at] + 1]]]
        # In order of the client's moments: places are moments.
        earlier = earlier[earlier < exchange[at]][-_LOOKED_AT:]
        if (
            not lasting[value[at]]
            and clock[exchange[at]] - clock[earlier].max(initial=0) >= PAUSE_US
        ):
            jar = jar[~lasting[jar]]
        together = (presented.value[use[begins[before] : begins[before + 1]]] for before in earlier)
        same[at] = any(np.isin(jar, each).any() for each in together)
    return same


_LOOKED_AT = 8
"""Requests with the due value that are looked through for others of its jar."""


def _once(bucket: Bucket, lifecycles: Lifecycles, exchange: Ints, series: Ints) -> Bools:
    """Which omissions count: of a cookie the first one since it was sent or issued."""
    presented, exchanges = bucket.presented, bucket.exchanges
    browser = _of_browser(bucket)[bucket.series_param[series]]
    if not browser.any():
        return ~browser
    use = np.flatnonzero(presented.kind == VALUE)
    rows, issued, moments = lifecycles.issue, bucket.issued, exchanges.request_start
    there = np.append(presented.exchange[use], issued.exchange[rows])
    whose = np.append(presented.series[use], issued.series[rows])
    when = np.append(moments[presented.exchange[use]], exchanges.response_start[there[len(use) :]])
    jars, cut = lifecycles.jars, len(use)
    jar = jars.sending(series, exchange)
    sent = jars.sending(whose[:cut], there[:cut])
    given = jars.getting(whose[cut:], there[cut:])
    since = AsOfIndex(whose, when, exchanges.span).at(series, moments[exchange])
    # In a jar that is known, since that jar sent it or was given it.
    group = jar_groups(np.append(whose, series), np.concatenate([sent, given, jar]))
    own = AsOfIndex(group[: len(there)], when, exchanges.span)
    in_jar = own.at(group[len(there) :], moments[exchange])
    since = np.where(jar == NOTHING, since, in_jar)
    series = np.where(jar == NOTHING, series, len(bucket.series_client) + group[len(there) :])
    order = np.lexsort((moments[exchange], since, series))
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (np.diff(series[order]) != 0) | (np.diff(since[order]) != 0)
    counts = ~browser
    counts[order[begins]] = True
    return counts
