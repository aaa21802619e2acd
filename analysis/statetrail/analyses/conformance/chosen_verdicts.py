"""Verdicts of a few exchanges or sessions, without a table of all.

Enters: ids of exchanges, or fingerprints of sessions. Leaves: their rows of `verdicts`, in the
order of the buckets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    chosen,
    foremost,
    unique,
)
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.executor import artifact, over_buckets
from statetrail.analyses.conformance.tables import VERDICTS
from statetrail.analyses.conformance.verdicts import Judgements, judgements, verdicts
from statetrail.recording.frames import Recording

_NONE: Final = np.array([], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The exchanges and sessions whose verdicts are wanted, sorted and distinct.

    Of a session of a client, the verdicts on its first requests, so many as `most`.
    """

    exchanges: Ints
    sessions: Ints
    most: int = 0


@artifact(scope="whole")
def _wanted(_: Recording) -> Chosen:
    return Chosen(_NONE, _NONE)


@artifact(needs=(bucket, judgements, _wanted))
def _rows(bucket: Bucket, judged: Judgements, wanted: Chosen) -> pa.Table:
    own = judged.session != NOTHING
    of_exchange = own & _is_among(wanted.exchanges, bucket.exchanges.id)[judged.exchange]
    of_session = own & _is_among(wanted.sessions, bucket.values.fingerprint)[judged.session]
    row = np.flatnonzero(of_session)
    if len(row):
        exchanges, exchange = bucket.exchanges, judged.exchange[row]
        by = exchanges.request_start[exchange], exchanges.id[exchange]
        first, _ = foremost(judged.session[row], wanted.most, by)
        of_exchange[row[first]] = True
    found: pa.Table = verdicts.compute(bucket, chosen(judged, of_exchange))
    return found.cast(VERDICTS.arrow)


def _is_among(keys: Ints, values: Ints) -> Bools:
    here: Bools = among(keys, values) != NOTHING if len(keys) else np.zeros(len(values), np.bool_)
    return here


def verdicts_of_exchanges(rec: Recording, exchanges: Ints) -> pa.Table:
    """The verdicts on some exchanges that have a session.

    Returns
    -------
    pyarrow.Table
        Rows of `statetrail.analyses.conformance.tables.VERDICTS`.
    """
    return _of(rec, Chosen(unique(exchanges), _NONE))


def verdicts_of_sessions(rec: Recording, sessions: Iterable[int], most: int) -> pa.Table:
    """The verdicts on the first requests of some sessions, some more than `most` for each client.

    Returns
    -------
    pyarrow.Table
        Rows of `statetrail.analyses.conformance.tables.VERDICTS`.
    """
    return _of(rec, Chosen(_NONE, unique(np.array([*sessions], dtype=np.int64)), most))


def _of(rec: Recording, wanted: Chosen) -> pa.Table:
    return pa.concat_tables(over_buckets(rec, _rows, {_wanted: wanted}))
