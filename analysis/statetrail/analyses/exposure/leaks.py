"""Leaks: a credential of one origin that turns up in a request to another.

Enters: a recording. Leaves: the table `leaks`, one row per request, place and credential. A request
is compared by fingerprints: its token candidates, and what it presents as state. A value that the
other origin has issued too is no leak: two addresses of one API share their tokens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Ints, among, numbered
from statetrail.analyses.columnar.bucket import Bucket, bucket, coded
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.events.details import Details, holds
from statetrail.analyses.exposure.shared import credential_values, united
from statetrail.analyses.exposure.tables import LEAKS
from statetrail.recording.frames import Recording

_READS: Final = {
    "presented": ("exchange_id", "fingerprint", "channel", "kind"),
    "token_candidates": ("exchange_id", "fingerprint", "place"),
}


@dataclass(frozen=True, slots=True)
class Homes:
    """Where credentials were issued, in order of their fingerprints, and when first.

    `credential` is a place in `credentials`, (dialect, param) each, `origin` one in `origins`.
    """

    fingerprint: Ints
    credential: Ints
    origin: Ints
    issued_us: Ints
    credentials: tuple[tuple[str, str], ...]
    origins: tuple[str, ...]


@artifact(needs=(credential_values,), scope="whole")
def credential_homes(_: Recording, values: Iterator[pa.Table]) -> Homes:
    """Where the credentials of the recording were issued, by any of its clients' responses."""
    earliest = (
        united(each.filter(pc.is_valid(each["issued_us"])) for each in values)
        .group_by(["dialect", "param", "origin", "fingerprint"])
        .aggregate([("issued_us", "min")])
        .sort_by("fingerprint")
    )
    names = (earliest[name].to_pylist() for name in ("dialect", "param"))
    credential, credentials = _numbered(zip(*names, strict=True))
    origin, origins = _numbered(earliest["origin"].to_pylist())
    issued_us = earliest["issued_us_min"].to_numpy()
    return Homes(
        earliest["fingerprint"].to_numpy(), credential, origin, issued_us, credentials, origins
    )


@artifact(reads=_READS)
def carried(facts: Details) -> Details:
    """What requests carried: state, and token candidates."""
    return facts


@analysis(LEAKS, needs=(bucket, carried, credential_homes))
def leaks(bucket: Bucket, details: Details, homes: Homes) -> pa.Table:
    """The credentials seen at other origins than theirs.

    Returns
    -------
    Frame
        `statetrail.analyses.exposure.tables.LEAKS`.
    """
    exchanges = bucket.exchanges
    seen_in, fingerprint, place, places = _seen(bucket, details)
    # A row for each sight of a credential and each home of it.
    start = np.searchsorted(homes.fingerprint, fingerprint)
    times = np.searchsorted(homes.fingerprint, fingerprint, "right") - start
    sight = np.repeat(np.arange(len(seen_in), dtype=np.int64), times)
    home = np.arange(len(sight)) - np.repeat(np.cumsum(times) - times - start, times)
    exchange = seen_in[sight]
    known = {origin: number for number, origin in enumerate(homes.origins)}
    here = np.array([known.get(origin, NOTHING) for origin, _ in bucket.endpoints], dtype=np.int64)
    own, _ = numbered(
        np.concatenate([homes.fingerprint, fingerprint[sight]]),
        np.concatenate([homes.credential, homes.credential[home]]),
        np.concatenate([homes.origin, here[exchanges.endpoint[exchange]]]),
    )
    count = len(homes.fingerprint)
    strange = among(np.unique(own[:count]), own[count:]) == NOTHING
    start_us = exchanges.clock[exchanges.request_start[exchange]]
    leaked = np.flatnonzero(strange & (homes.issued_us[home] <= start_us))
    # One place may hold a credential twice.
    number, _ = numbered(exchange[leaked], place[sight[leaked]], home[leaked])
    leaked = leaked[np.unique(number, return_index=True)[1]]
    exchange, home = exchange[leaked], home[leaked]
    client, credential = exchanges.client[exchange], homes.credential[home]
    return table(
        LEAKS,
        {
            "exchange_id": exchanges.id[exchange],
            "client": words(client, [client for client, _ in bucket.clients]),
            "origin": words(client, [origin for _, origin in bucket.clients]),
            "place": words(place[sight[leaked]], places),
            "dialect": words(credential, [dialect for dialect, _ in homes.credentials]),
            "param": words(credential, [param for _, param in homes.credentials]),
            "fingerprint": homes.fingerprint[home],
            "issued_origin": words(homes.origin[home], homes.origins),
            "issued_us": homes.issued_us[home],
            "request_start_us": start_us[leaked],
        },
    )


def _numbered[T](names: Iterable[T]) -> tuple[Ints, tuple[T, ...]]:
    """Numbers for names, and the distinct names."""
    known: dict[T, int] = {}
    numbers = [known.setdefault(name, len(known)) for name in names]
    return np.array(numbers, dtype=np.int64), tuple(known)


def _seen(bucket: Bucket, details: Details) -> tuple[Ints, Ints, Ints, list[str]]:
    """What requests carried: exchange, fingerprint and place (in the list that comes last)."""
    candidates, presented = details["token_candidates"], details["presented"]
    presented = presented.filter(pa.array(holds(presented["kind"], lambda kind: kind == "value")))
    code, texts = coded(candidates["place"])
    places = {place: number for number, place in enumerate(texts)}
    header, query = (places.setdefault(place, len(places)) for place in ("header", "query"))
    in_header = holds(presented["channel"], lambda channel: channel == "header")
    place = np.concatenate([code, np.where(in_header, header, query)])
    ids, fingerprint = (
        np.concatenate([rows[name].to_numpy() for rows in (candidates, presented)])
        for name in ("exchange_id", "fingerprint")
    )
    order = np.argsort(bucket.exchanges.id)
    row = np.append(order, NOTHING)[among(bucket.exchanges.id[order], ids)]
    known = row >= 0
    return row[known], fingerprint[known], place[known], [*places]
