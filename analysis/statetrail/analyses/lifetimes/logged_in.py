"""Logged in: whether the value of each use had logged in when its request began.

Enters: a bucket, and the history of its values. Leaves: one entry a use.

A login is a request that writes to an endpoint of the dialect's login, with success or a redirect:
it logs in the values that it presents and those that its response issues. It is not known of a
value that was presented before it was issued, nor of the successor of one that had logged in: the
server may have renewed it, or have forgotten the user.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, Ints, among, run_begins
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import acting
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, pairs


def logged_in(bucket: Bucket, history: History) -> Ints:
    """Of each of `History.uses`: 1, 0, or -1 where that is not known."""
    exchanges, uses, issues = bucket.exchanges, history.uses, history.issues
    done = (exchanges.status >= 200) & (exchanges.status < 400)
    done &= exchanges.open & exchanges.writes
    logs_in = acting(bucket, "login")
    since = np.full(len(bucket.values), FOREVER)
    for exchange, value, series in (
        (uses.exchange, uses.value, uses.series),
        (issues.exchange, issues.value, issues.series),
    ):
        endpoint = exchanges.endpoint[exchange]
        login = np.flatnonzero(logs_in[endpoint, bucket.series_param[series]] & done[exchange])
        np.minimum.at(since, value[login], exchanges.response_end[exchange[login]])
    unknown = history.left_truncated.copy()
    # What a request presented first, and what its response issued.
    count = len(bucket.series_client)
    keys = pairs(uses.exchange, uses.series, count)
    firsts = np.flatnonzero(run_begins(keys))
    place = among(keys[firsts], pairs(issues.exchange, issues.series, count))
    issue = np.flatnonzero((place >= 0) & ~issues.presented)
    unknown[issues.value[issue[since[uses.value[firsts[place[issue]]]] < FOREVER]]] = True
    unknown &= since == FOREVER
    after = since[uses.value] <= exchanges.request_start[uses.exchange]
    return np.where(after, 1, np.where(unknown[uses.value], NOTHING, 0))
