"""Shared credentials: the same token or ticket in the hands of several clients.

Enters: a recording. Leaves: the table `shared`, one row per credential and client that presented
it. ``client_by`` says what a client is: by address, one whose address changes is two clients.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, within
from statetrail.analyses.columnar.bucket import Bucket, bucket
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import numbers, of_series, words
from statetrail.analyses.conformance.visibility import FOREVER
from statetrail.analyses.events.history import History, history
from statetrail.analyses.exposure.tables import SHARED
from statetrail.dialects import Dialect, Param
from statetrail.recording.frames import Recording

_LAYOUT: Final = pa.schema(
    dict.fromkeys(("client", "origin", "dialect", "param", "home"), pa.string())
    | {"declared": pa.bool_()}
    | dict.fromkeys(
        ("fingerprint", "issued_us", "uses", "first_us", "last_us", "first_id"), pa.int64()
    )
)
_VALUE: Final = ("origin", "dialect", "param", "fingerprint")
_PLACES: Final = ("peer", "source")
"""The attributes of clients that say where they are, and not what."""
_CREDENTIAL: Final = re.compile(r"auth|password|secret|session|ticket|token", re.IGNORECASE)


MIN_LENGTH: Final = 16
"""Characters of the cookie of a session; a shorter one may be a word that many have."""


def names_credential(dialect: Dialect, name: str) -> bool:
    """Whether a parameter is one, or the cookie of a session (`Dialect.key_rank`)."""
    param = dialect.param(name)
    return is_credential(param) if param is not None else dialect.mints(name)


def is_credential(param: Param) -> bool:
    """Whether its values let their holder act: tokens, tickets, authentication.

    The dialect says it (`Param.credential`). Else parameters whose values the server issues are,
    and secret ones by their name; the id of a customer is secret too, but many may share it.
    """
    if param.credential is not None:
        return param.credential
    return param.minted or (param.clear is None and bool(_CREDENTIAL.search(param.name)))


@artifact(needs=(bucket, history))
def credential_values(bucket: Bucket, history: History) -> pa.Table:
    """The values of the credentials of a bucket, with their issues and uses.

    Returns
    -------
    pyarrow.Table
        ``client``, ``origin``, ``dialect``, ``param``, ``fingerprint``; ``declared``, whether the
        dialect lists the parameter; ``home``, the origin that issued it first, and ``issued_us``,
        when that response began (null: none); ``uses``, ``first_us`` and ``last_us`` of the
        requests that presented it (null: none), and ``first_id``, the lowest exchange id.
    """
    clock = bucket.exchanges.clock
    dialects = {dialect.name: dialect for dialect in bucket.dialects}
    declared, credential = (
        np.array([holds(dialects[d], name) for d, name in bucket.params], dtype=np.bool_)
        for holds in (lambda d, name: d.param(name) is not None, names_credential)
    )
    param, length = bucket.series_param[bucket.values.series], bucket.values.length
    word = ~declared[param] & (length >= 0) & (length < MIN_LENGTH)
    value = np.flatnonzero(credential[param] & ~word)
    uses, issues = history.uses, history.issues
    home = np.full(len(bucket.values), NOTHING)
    # The first issue of each value is written last.
    order = np.argsort(-bucket.exchanges.response_start[issues.exchange], kind="stable")
    home[issues.value[order]] = bucket.exchanges.endpoint[issues.exchange[order]]
    origins = [origin for origin, _ in bucket.endpoints]
    first_id = np.full(len(bucket.values), FOREVER)
    np.minimum.at(first_id, uses.value, bucket.exchanges.id[uses.exchange])

    def at(moment: Ints, present: Bools) -> pa.Array:
        return numbers(clock[np.where(present, moment[value], 0)], present)

    issued, used = history.issued[value] < FOREVER, history.used[value] < FOREVER
    columns = of_series(bucket, bucket.values.series[value]) | {
        "fingerprint": bucket.values.fingerprint[value],
        "declared": declared[param[value]],
        "home": words(home[value], origins),
        "issued_us": at(history.issued, issued),
        "uses": np.bincount(uses.value, minlength=len(bucket.values))[value],
        "first_us": at(history.used, used),
        "last_us": at(history.reused, used),
        "first_id": first_id[value],
    }
    return pa.table(columns).select(_LAYOUT.names).cast(_LAYOUT)


def united(values: Iterable[pa.Table]) -> pa.Table:
    """Tables of `credential_values` as one."""
    return pa.concat_tables([_LAYOUT.empty_table(), *values])


@analysis(SHARED, needs=(credential_values,), scope="whole", audited=True)
def shared(rec: Recording, values: Iterator[pa.Table]) -> pa.Table:
    """The credentials that several clients presented.

    ``how`` is ``handed`` where the server issued the value to that client before it was presented,
    ``taken`` where it had issued it to another one only, ``unseen`` where no issue was captured;
    but ``moved`` where one program went on with it at another address, or in another capture.
    """
    every = united(values)
    # Few values are in several hands.
    fingerprints, times = np.unique(every["fingerprint"].to_numpy(), return_counts=True)
    several = within(every["fingerprint"].to_numpy(), fingerprints[times > 1])
    holders: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in every.filter(pa.array(several)).to_pylist():
        holders[tuple(row[name] for name in _VALUE)].append(row)
    rows = []
    for holding in holders.values():
        users = [row for row in holding if row["uses"]]
        was_issued = any(row["issued_us"] is not None for row in holding)
        # How long the cookie is that nobody was seen to get is not known.
        certain = was_issued or holding[0]["declared"]
        if len(users) > 1 and certain:
            moved = _is_move(users, rec.client_by)
            rows += [
                row | {"clients": len(users), "how": _how(row, was_issued, moved=moved)}
                for row in users
            ]
    return pa.Table.from_pylist(rows, schema=SHARED.arrow)


def _is_move(users: Iterable[Mapping[str, Any]], client_by: Sequence[str]) -> bool:
    """Whether the users are one program that moved: one after the other, and alike but for place.

    A phone changes its network, and a browser's visit may be saved in two files.
    """
    own = [at for at, name in enumerate(client_by) if name not in _PLACES]
    parts = [row["client"].split(" | ") for row in users]
    alike = len({tuple(part[at] for at in own) for part in parts}) == 1
    spans = sorted(
        (min(row["first_us"], row["issued_us"] or row["first_us"]), row["last_us"]) for row in users
    )
    return bool(own) and alike and all(one[1] < two[0] for one, two in itertools.pairwise(spans))


def _how(row: Mapping[str, Any], was_issued: bool, *, moved: bool) -> str:
    # A server that echoes the token it is presented has not handed it out.
    if row["issued_us"] is not None and row["issued_us"] <= row["first_us"]:
        return "handed"
    if moved:
        return "moved"
    return "taken" if was_issued else "unseen"
