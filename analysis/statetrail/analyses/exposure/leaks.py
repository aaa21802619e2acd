"""Leaks: a credential of one origin that turns up in a request to another.

Enters: a recording. Leaves: the table `leaks`, one row per request, place and credential. A request
is compared by fingerprints: its token candidates, and what it presents as state. A value that the
other origin has issued too is no leak: two addresses of one API share their tokens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Ints, run_begins
from statetrail.analyses.columnar.bucket import located
from statetrail.analyses.columnar.coding import coded, integers, named, placed
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.analyses.exposure.shared import credential_values
from statetrail.analyses.exposure.tables import LEAKS
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT_BY
from statetrail.store.clients import client_names

_COLUMNS: Final = {
    "exchanges": ("exchange_id", *ORIGIN_COLUMNS, "request_start_us"),
    "presented": ("exchange_id", "fingerprint", "channel", "kind"),
    "token_candidates": ("exchange_id", "fingerprint", "place"),
}


@dataclass(frozen=True, slots=True)
class _Homes:
    """The origins that issued each credential, in the order of the fingerprints.

    `dialect`, `param` and `origin` are places in `texts`.
    """

    fingerprint: Ints
    dialect: Ints
    param: Ints
    origin: Ints
    issued_us: Ints
    texts: dict[str, int]

    def of(self, fingerprint: Ints) -> tuple[Ints, Ints]:
        """The homes of values, as places of values and of homes."""
        first = np.searchsorted(self.fingerprint, fingerprint, "left")
        count = np.searchsorted(self.fingerprint, fingerprint, "right") - first
        value = np.repeat(np.arange(len(fingerprint)), count)
        ends = np.cumsum(count)
        return value, np.arange(len(value)) + np.repeat(first - ends + count, count)


@artifact(needs=(credential_values,), scope="whole")
def _homes(_: Recording, several: Iterator[pa.Table]) -> _Homes:
    """The origins that issued each credential."""
    texts: dict[str, int] = {}
    columns = []
    for values in several:
        # What is good for a whole site, or for every host of its dialect, may be seen there.
        at_origin = pc.match_substring(values["origin"], "://")
        issued = values.filter(pc.and_(pc.is_valid(values["issued_us"]), at_origin))
        names = [placed(issued[name], texts) for name in ("dialect", "param", "origin")]
        numbers = [integers(issued[name]) for name in ("fingerprint", "issued_us")]
        columns.append((numbers[0], *names, numbers[1]))
    none = np.zeros(0, dtype=np.int64)
    every = [np.concatenate([none, *parts]) for parts in zip(*columns, strict=True)]
    every = every or [none] * 5
    order = np.lexsort(every[::-1])
    every = [column[order] for column in every]
    begins = np.logical_or.reduce([run_begins(column) for column in every[:-1]])
    fingerprint, dialect, param, origin, issued_us = (column[begins] for column in every)
    return _Homes(fingerprint, dialect, param, origin, issued_us, texts)


@analysis(LEAKS, needs=(settings, _homes), reads=_COLUMNS, audited=True)
def leaks(facts: Mapping[str, Any], options: Settings, homes: _Homes) -> pa.Table:
    """The credentials seen at other origins than theirs.

    Returns
    -------
    Frame
        `statetrail.analyses.exposure.tables.LEAKS`.
    """
    if facts[CLASS] or not len(homes.fingerprint):  # The requests are of no class.
        return LEAKS.arrow.empty_table()
    exchanges = facts["exchanges"]
    ids, start_us = (integers(exchanges[name]) for name in ("exchange_id", "request_start_us"))
    code, origins = origins_of(exchanges)
    origin = np.array([homes.texts.get(name, NOTHING) for name in origins], dtype=np.int64)[code]
    exchange, fingerprint, place, places = _values(facts, ids)
    value, home = homes.of(fingerprint)
    here = origin[exchange[value]]
    away = (homes.origin[home] != here) & (homes.issued_us[home] <= start_us[exchange[value]])
    value, home, here = value[away], home[away], here[away]
    # Where the other origin has issued it, too.
    row, other = homes.of(homes.fingerprint[home])
    same = homes.origin[other] == here[row]
    for column in (homes.dialect, homes.param):
        same &= column[other] == column[home[row]]
    known = np.zeros(len(home), dtype=np.bool_)
    known[row[same]] = True
    found = np.stack([exchange[value], place[value], home])[:, ~known]
    exchange, place, home = np.unique(found, axis=1)
    by, texts = options.client_by, list(homes.texts)
    few = exchanges.take(pa.array(exchange))
    client, clients = named(
        few, [CLIENT_BY[name] for name in by], partial(client_names, client_by=by)
    )
    columns = {
        "exchange_id": ids[exchange],
        "client": words(client, clients),
        "origin": words(code[exchange], origins),
        "place": words(place, places),
        "dialect": words(homes.dialect[home], texts),
        "param": words(homes.param[home], texts),
        "fingerprint": homes.fingerprint[home],
        "issued_origin": words(homes.origin[home], texts),
        "issued_us": homes.issued_us[home],
        "request_start_us": start_us[exchange],
    }
    return table(LEAKS, columns).cast(LEAKS.arrow)


def _values(facts: Mapping[str, Any], ids: Ints) -> tuple[Ints, Ints, Ints, list[str]]:
    """What the requests carried: the exchange, the fingerprint and the place of each value, and the
    places."""
    candidates, presented = facts["token_candidates"], facts["presented"]
    presented = presented.filter(pc.equal(presented["kind"], "value"))
    places: dict[str, int] = {}
    channel, channels = coded(presented["channel"])
    in_channel = [
        places.setdefault("header" if name == "header" else "query", len(places))
        for name in channels
    ]
    place = np.concatenate(
        [np.array(in_channel, dtype=np.int64)[channel], placed(candidates["place"], places)]
    )
    wanted, fingerprint = (
        np.concatenate([integers(rows[name]) for rows in (presented, candidates)])
        for name in ("exchange_id", "fingerprint")
    )
    exchange = located(wanted, ids, np.argsort(ids))
    known = exchange != NOTHING
    return exchange[known], fingerprint[known], place[known], list(places)
