"""The exchanges of a bucket: who talked to whom, when, in ranks of time.

Enters: table `exchanges` of a recording, or of one bucket of its clients. Leaves: `Exchanges`, and
what their clients and endpoints are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, ordered, ranked
from statetrail.analyses.columnar.clock_steps import ClockSteps
from statetrail.analyses.columnar.coding import Coded, coded, integers, named, paired
from statetrail.analyses.conformance.visibility import (
    FOREVER,
    SWITCHING_PROTOCOLS,
    UNBOUND_METHODS,
    WRITES,
    is_headless,
)
from statetrail.extract.records import OPERATED, REPLAYED, UNKNOWN_METHOD
from statetrail.recording.conversations import origin, site_of
from statetrail.schema import CLIENT_BY
from statetrail.store.clients import client_names

EVERYWHERE: Final = "*"
"""The realm of values that are good for every origin of their dialect."""

_TIMES: Final = (
    *("request_start_us", "request_end_us", "response_start_us", "response_end_us"),
    *("request_composed_us", "time_error_s"),
)
ORIGIN_COLUMNS: Final = ("scheme", "host", "port")
COLUMNS: Final = (
    *("exchange_id", "capture_id", *_TIMES, *ORIGIN_COLUMNS, "method", "endpoint", "status"),
    *("age_s", "fetch_dest", "redirect_endpoint", "request_origin", "exposed_headers"),
    *("has_cookies", "fetch_mode", "notes"),
)
"""The columns that exchanges are made of, besides those that tell clients apart."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The times of exchanges as they speak for their clients: each as far from what is recorded as
    it may have been.

    `composed` is when the request was composed at the earliest, `heard_by` until when news may
    have changed it, `response_end` and `visible_from` are at the latest.
    """

    composed: Ints
    heard_by: Ints
    response_end: Ints
    visible_from: Ints


@dataclass(frozen=True, slots=True)
class Exchanges:
    """The exchanges in order of (client, request start, id): a place is a client's moment, too.

    `client` is a place in `Bucket.clients`, `endpoint` one in `Bucket.endpoints`. The times
    `request_start`, `response_start`, `response_end` and `visible_from` (end and grace period) are
    ranks among all times of the bucket; `clock` has the microseconds of each rank, `FOREVER` of
    what did not end. `status` is 0 without a response; `open`: the method may carry state, and the
    client sent it itself; `writes`: it changes what it asks for (`WRITES`); `heads`: it is
    or may be HEAD.
    `binding`: what the response issues has to be known
    (`statetrail.analyses.conformance.visibility.binds`).
    `headless`: a page cannot add header fields to it. `redirect` is the endpoint that its response
    redirects to, as a place or -1. `backwards`: its response is earlier than its request.
    `operated`: the operator of the proxy sent or answered it.
    `doubt`: what else the times may have been; `None`: they are exact. `heard_by`: until when news
    may have changed the request.
    """

    id: Ints
    client: Ints
    endpoint: Ints
    request_start: Ints
    response_start: Ints
    response_end: Ints
    visible_from: Ints
    clock: Ints
    status: Ints
    open: Bools
    writes: Bools
    heads: Bools
    binding: Bools
    headless: Bools
    redirect: Ints
    backwards: Bools
    operated: Bools
    doubt: Doubt | None = None
    heard: Ints | None = None

    @property
    def heard_by(self) -> Ints:
        """Until when each request may have been changed by news: its start, where that is exact."""
        return self.request_start if self.heard is None else self.heard

    @property
    def least(self) -> "Exchanges":
        """The exchanges at the times that leave their clients the least to know."""
        doubt = self.doubt
        if doubt is None:
            return self
        return replace(
            self,
            request_start=doubt.composed,
            response_end=doubt.response_end,
            visible_from=doubt.visible_from,
            heard=doubt.heard_by,
            doubt=None,
        )

    def __len__(self) -> int:
        return len(self.id)

    @property
    def span(self) -> int:
        """More than any rank of a time."""
        return len(self.clock)


def exchanges_of(
    table: pa.Table, client_by: Sequence[str], grace_us: int, steps: ClockSteps, realm: str
) -> tuple[Exchanges, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The exchanges, their clients with the realm, and their endpoints with the origin."""
    ids, captures = integers(table["exchange_id"]), integers(table["capture_id"], missing=NOTHING)
    response = pc.coalesce(table["response_start_us"], table["request_end_us"])
    times = integers(table["request_start_us"]), integers(response, missing=-FOREVER)
    ended = integers(table["response_end_us"], missing=FOREVER)
    start_us, response_us, end_us = steps.corrected(captures, ids, (*times, ended))
    earliest = np.where(response_us > -FOREVER, response_us, FOREVER)
    backwards = np.minimum(earliest, end_us) < start_us
    # A clock that was set back must not let a response begin before its request, nor end before
    # it began.
    response_us = np.maximum(response_us, start_us)
    end_us = np.maximum(end_us, response_us)
    visible_us = np.where(end_us < FOREVER, end_us + grace_us, FOREVER)
    moments = [start_us, response_us, end_us, visible_us]
    moments += _doubted(table, start_us, end_us, grace_us)
    ranks, clock = ranked(*moments)
    name = named(
        table, [CLIENT_BY[name] for name in client_by], partial(client_names, client_by=client_by)
    )
    origins = origins_of(table)
    realms = realms_of(origins, realm)
    client, clients = paired(name, realms)
    endpoint, endpoints = paired(origins, coded(table["endpoint"]))
    method, methods = coded(table["method"])
    unbound, writes, heads = (
        np.array([name in listed for name in methods], dtype=np.bool_)[method]
        for listed in (UNBOUND_METHODS, WRITES, ("HEAD", UNKNOWN_METHOD))
    )
    fetched, kinds = paired(coded(table["fetch_dest"]), coded(table["fetch_mode"]))
    headless = np.array([is_headless(*each, None) for each in kinds], dtype=np.bool_)[fetched]
    status, age = (integers(table[name], missing=0) for name in ("status", "age_s"))
    headless |= status == SWITCHING_PROTOCOLS
    final = (status == 0) | ((status >= 200) & (status < 300))
    note, notes = coded(table["notes"])
    said = [frozenset((each or "").split(",")) for each in notes]
    replayed, operated = (
        np.array([not each.isdisjoint(names) for each in said], dtype=np.bool_)[note]
        for names in (REPLAYED, OPERATED)
    )
    order = ordered(client * len(clock) + ranks[0], ids)
    request_start, response_start, response_end, visible_from, *rest = (r[order] for r in ranks)
    exchanges = Exchanges(
        id=ids[order],
        client=client[order],
        endpoint=endpoint[order],
        request_start=request_start,
        response_start=response_start,
        response_end=response_end,
        visible_from=visible_from,
        clock=clock,
        status=status[order],
        open=(~unbound & ~replayed)[order],
        writes=writes[order],
        heads=heads[order],
        binding=(final & (age <= 0) & ~unbound & ~operated)[order],
        headless=headless[order],
        redirect=_redirects(origins, table["redirect_endpoint"], endpoints)[order],
        backwards=backwards[order],
        operated=operated[order],
        doubt=Doubt(*rest) if rest else None,
    )
    return exchanges, clients, endpoints


def _doubted(table: pa.Table, start_us: Ints, end_us: Ints, grace_us: int) -> list[Ints]:
    """The fields of `Doubt` in microseconds; none where all times are exact."""
    composed, error = table["request_composed_us"], table["time_error_s"]
    if composed.null_count == len(composed) and error.null_count == len(error):
        return []
    error_us = np.maximum(integers(error, missing=0), 0) * 1_000_000
    composed_us = integers(composed, missing=FOREVER)
    latest_us = np.where(end_us < FOREVER, end_us + error_us, FOREVER)
    visible_us = np.where(end_us < FOREVER, latest_us + grace_us, FOREVER)
    return [np.minimum(composed_us, start_us), start_us + error_us, latest_us, visible_us]


def _redirects(
    origins: Coded, column: pa.ChunkedArray, endpoints: Sequence[tuple[str, str]]
) -> Ints:
    """The endpoints at the same origin that responses redirect to, as places; -1 for none."""
    places = {endpoint: place for place, endpoint in enumerate(endpoints)}
    redirect, pairs_ = paired(origins, coded(column))
    return np.array([places.get(pair, NOTHING) for pair in pairs_], dtype=np.int64)[redirect]


def realms_of(origins: Coded, realm: str) -> Coded:
    """The realms of the origins: themselves, their sites, or one for all."""
    if realm == "origin":
        return origins
    code, names = origins
    places: dict[Any, int] = {}
    of = [
        places.setdefault(None if name is None else EVERYWHERE if realm == "dialect" else
                          site_of(name), len(places))
        for name in names
    ]  # fmt: skip
    return np.array(of, dtype=np.int64)[code], list(places)


def origins_of(table: pa.Table) -> Coded:
    """The origins of exchanges, coded."""
    return named(table, ORIGIN_COLUMNS, _origins)


def _origins(rows: pa.Table) -> pa.Array:
    columns = (rows[name].to_pylist() for name in ORIGIN_COLUMNS)
    return pa.array([origin(*row) for row in zip(*columns, strict=True)], pa.string())
