"""Renewal by writes: an idle timeout that starts anew at writes only.

A store whose entries expire (Redis) sets the time to live when an entry is written. An application
that writes the session only where it changed lets it end in spite of reads. Measured from the last
use the timeout looks soft; measured from the last write it is sharp.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from statetrail.expiry.bounds import threshold
from statetrail.expiry.evidence import Evidence
from statetrail.expiry.likelihood.single_limit import single_limit
from statetrail.expiry.models.model import Data, Fit, Model, Policy
from statetrail.expiry.models.touch_interval import PRIOR as THROTTLED
from statetrail.expiry.models.touch_interval import since_marked
from statetrail.expiry.summaries import EventTable, even, event_uses

MIN_EACH: Final = 3
"""Reads, and writes, that have to be among the survived uses."""


def since_writes(evidence: Evidence) -> Evidence:
    """The uses that count, with idle times since the last write or the issue.

    An end says nothing where neither was seen.
    """
    marked, known = since_marked(evidence, evidence.writes)
    return marked.without(marked.ended & ~known)


def _fit(data: Data) -> Fit:
    evidence = data.evidence.where(data.evidence.survived | data.evidence.ended)
    writes = np.count_nonzero(evidence.writes & evidence.survived)
    reads = np.count_nonzero(evidence.survived) - writes
    if min(writes, reads) < MIN_EACH or not threshold(*evidence.summary("idle")).contradictions:
        return Fit(-np.inf)
    events, (lived, ends) = EventTable.of(evidence, ("idle",)), event_uses(evidence, ("idle",))
    low, high = even(*since_marked(evidence, evidence.writes)[0].brackets("idle"))
    marked = replace(events, lived={"idle": low[lived]}, fatal={"idle": high[ends]})
    return Fit(single_limit(marked, "idle"))


BY_WRITES: Final = Policy(
    name="idle-by-writes",
    description="an idle timeout that only writes renew: the time since the last one",
    sentence="ends after a time without a write, whatever was read meanwhile: the timeout is "
    "{idle}",
    limits=("idle",),
    needs_age=False,
    measure=since_writes,
    prior=THROTTLED,
)

POLICIES: Final = (BY_WRITES,)
MODELS: Final = (Model("idle, renewed by writes", BY_WRITES, 1.0, _fit),)
