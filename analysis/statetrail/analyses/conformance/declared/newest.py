"""Newest issues: which one a request is to obey, and whether another one leaves that open.

Enters: a bucket, and the lives of its values. Leaves: issues, by request and parameter.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among, run_begins
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.conformance.declared.declarations import Declarations
from statetrail.analyses.conformance.declared.jars import jar_groups
from statetrail.analyses.conformance.declared.lifecycles import Lifecycles


def newest_issues(
    bucket: Bucket, lifecycles: Lifecycles, rows: Ints, exchange: Ints, series: Ints
) -> tuple[Ints, Bools]:
    """The newest of the issues `rows` that each request must know, as a place in these; -1: none.

    Of a jar that is known it is the newest one that this jar was given, if any: the second array
    says so.
    """
    issued, exchanges = bucket.issued, bucket.exchanges
    moment, of = exchanges.request_start[exchange], issued.exchange[rows]
    visible = exchanges.visible_from[of]
    index = AsOfIndex(issued.series[rows], visible, exchanges.span)
    newest = index.last(series, moment, inclusive=False)
    jar, given_to = (
        lifecycles.jars.getting(series, exchange),
        lifecycles.jars.getting(issued.series[rows], of),
    )
    group = jar_groups(np.append(issued.series[rows], series), np.append(given_to, jar))
    index = AsOfIndex(group[: len(rows)], visible, exchanges.span)
    in_jar = index.last(group[len(rows) :], moment, inclusive=False)
    owned = (jar != NOTHING) & (in_jar != NOTHING)
    return np.where(owned, in_jar, newest), owned


def leaves_open(
    bucket: Bucket, declared: Declarations, lifecycles: Lifecycles, row: Ints, moment: Ints
) -> Bools:
    """Whether another issue of the cookie of each of these may be the newest one.

    It is at the same time as this one, or later, and may be known.
    """
    issued, exchanges, issue = bucket.issued, bucket.exchanges, lifecycles.issue
    of = issued.exchange[issue]
    cookie = issued.series[issue] * lifecycles.width + declared.identity[issue]
    group = jar_groups(cookie, lifecycles.jars.getting(issued.series[issue], of))
    start, end = (
        times[issued.exchange[issue]]
        for times in (exchanges.response_start, exchanges.response_end)
    )
    # One of each response.
    order = np.lexsort((of, start, group))
    first = order[run_begins(group[order]) | run_begins(of[order])]
    index = AsOfIndex(group[first], start[first], exchanges.span)
    before = np.append(NOTHING, index.maxima(end[first])[:-2])
    before[run_begins(group[first])] = NOTHING
    after = np.append(start[first][1:], exchanges.span)
    after[:-1][run_begins(group[first])[1:]] = exchanges.span
    at_once = np.zeros(len(bucket.issued.exchange), dtype=np.bool_)
    shared = (before >= start[first]) | (after <= end[first])
    # All fields of the response have it.
    names = group[first] * len(exchanges) + of[first]
    by_name = np.argsort(names)
    at_once[issue] = shared[by_name][among(names[by_name], group * len(exchanges) + of)]
    number = np.zeros(len(at_once), dtype=np.int64)
    number[issue] = group
    latest = index.maxima(start[first])[index.at(number[row], moment)]
    own = issued.exchange[row]
    leaves: Bools = (latest > exchanges.response_end[own]) | at_once[row]
    # What was given to a jar that is not known may be this one's.
    loose = lifecycles.jars.getting(issued.series[issue], of) == NOTHING
    names, group = np.unique(cookie[loose], return_inverse=True)
    index = AsOfIndex(group, start[loose], exchanges.span)
    wanted = among(names, issued.series[row] * lifecycles.width + declared.identity[row])
    latest = index.maxima(end[loose])[index.at(wanted, moment)]
    placed = lifecycles.jars.getting(issued.series[row], own) != NOTHING
    leaves |= placed & (latest >= exchanges.response_start[own])
    return leaves & (declared.identity[row] > 0)
