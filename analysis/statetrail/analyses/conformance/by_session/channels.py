"""Channels: what requests cannot carry, and which of them a client's library made (rule L7).

Enters: a bucket. Leaves: flags of requests.
"""

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints
from statetrail.analyses.columnar.bucket import Bucket
from statetrail.analyses.columnar.dialect_masks import in_channel
from statetrail.analyses.conformance.visibility import FOLLOWED_US, FOREVER


def follows(bucket: Bucket) -> Bools:
    """The requests that follow a redirect to their endpoint within `FOLLOWED_US`."""
    exchanges, width = bucket.exchanges, len(bucket.endpoints)
    redirects = np.flatnonzero(exchanges.redirect >= 0)
    group = exchanges.client[redirects] * width + exchanges.redirect[redirects]
    start = exchanges.response_start[redirects]
    index = AsOfIndex(group, start, exchanges.span)
    own = exchanges.client * width + exchanges.endpoint
    last = index.maxima(start)[index.at(own, exchanges.request_start)]
    since_us = exchanges.clock[exchanges.request_start] - exchanges.clock[last]
    followed: Bools = (last != NOTHING) & (since_us <= FOLLOWED_US)
    return followed


def is_wanted_in(bucket: Bucket, channel: str, exchange: Ints, series: Ints) -> Bools:
    """Whether each request may have to present its series in the channel.

    The dialect has to know it there, and an issue to the sender has to name it, if any names one.
    """
    issued, exchanges = bucket.issued, bucket.exchanges
    first, own = np.full((2, len(bucket.series_client)), FOREVER)
    for which, known in ((issued.usage >= 0, first), (issued.usage == _code(bucket, channel), own)):
        row = np.flatnonzero(issued.sound & which)
        start = exchanges.response_start[issued.exchange[row]]
        np.minimum.at(known, issued.series[row], start)
    moment = exchanges.request_start[exchange]
    named: Bools = (own[series] <= moment) | (first[series] > moment)
    return named & in_channel(bucket, channel)[bucket.series_param[series]]


def _code(bucket: Bucket, channel: str) -> int:
    """The place of a channel in the bucket; one that no issue has where it names none."""
    return bucket.channels.index(channel) if channel in bucket.channels else len(bucket.channels)
