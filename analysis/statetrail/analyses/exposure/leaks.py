"""Leaks: a credential of one origin that turns up in a request to another.

Enters: a recording. Leaves: the table `leaks`, one row per request, place and credential. A request
is compared by fingerprints: its token candidates, and what it presents as state. A value that the
other origin has issued too is no leak: two addresses of one API share their tokens. Nor is one that
another host of the site is presented as state: one logs in here, and another serves. What is good
for a site, or wherever its dialect is spoken (a cookie, a bearer token), leaks to other sites than
those where it was issued or presented.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, among, run_begins, within
from statetrail.analyses.columnar.bucket import located
from statetrail.analyses.columnar.coding import coded, integers, named, paired, placed
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.result_rows import table, words
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.analyses.exposure.shared import credential_values
from statetrail.analyses.exposure.tables import LEAKS
from statetrail.recording.conversations import site_of
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.frames import Recording
from statetrail.schema import CLIENT_BY
from statetrail.store.clients import client_names

_COLUMNS: Final = {
    "exchanges": ("exchange_id", *ORIGIN_COLUMNS, "request_start_us"),
    "presented": ("exchange_id", "fingerprint", "channel", "kind"),
    "token_candidates": ("exchange_id", "fingerprint", "place"),
}
_AT_ONCE: Final = 1_000_000
"""Pairs of a value and one of its homes that are looked at together."""


@dataclass(frozen=True, slots=True)
class _Homes:
    """The origins that issued each credential, in order of fingerprint, kind and origin.

    `value` numbers the fingerprints. `kind` and `origin` are places in `kinds`, (dialect, param),
    and in `origins`. `wide`: it is good for more than its origin.
    """

    fingerprint: Ints
    value: Ints
    kind: Ints
    origin: Ints
    issued_us: Ints
    wide: Bools
    kinds: tuple[tuple[str, str], ...]
    origins: tuple[str, ...]

    def range_of(self, fingerprint: Ints) -> tuple[Ints, Ints]:
        """The first of the homes of values, and how many they are."""
        first = np.searchsorted(self.fingerprint, fingerprint, "left")
        return first, np.searchsorted(self.fingerprint, fingerprint, "right") - first

    def known(self, home: Ints, origin: Ints) -> Bools:
        """Whether another origin has issued the credentials of these homes, too."""
        keys = self._keys(self.value, self.kind, self.origin)
        place = among(keys, self._keys(self.value[home], self.kind[home], origin))
        known: Bools = (place != NOTHING) & (origin != NOTHING)
        return known

    def _keys(self, value: Ints, kind: Ints, origin: Ints) -> Ints:
        return (value * len(self.kinds) + kind) * len(self.origins) + origin


@artifact(needs=(credential_values,), scope="whole")
def _homes(_: Recording, several: Iterator[pa.Table]) -> _Homes:
    """The origins that issued each credential."""
    kinds: dict[tuple[str, str], int] = {}
    origins: dict[str, int] = {}
    parts = [np.zeros((5, 0), dtype=np.int64)]
    for values in several:
        issued = values.filter(pc.is_valid(values["issued_us"]))
        wide = pc.invert(pc.match_substring(issued["origin"], "://")).cast(pa.int64())
        kind, names = paired(coded(issued["dialect"]), coded(issued["param"]))
        places = np.array([kinds.setdefault(name, len(kinds)) for name in names], dtype=np.int64)
        numbers = [integers(issued[name]) for name in ("fingerprint", "issued_us")]
        parts.append(
            np.stack([numbers[0], places[kind], placed(issued["home"], origins), numbers[1], wide])
        )
    every = np.concatenate(parts, axis=1)
    every = every[:, np.lexsort(every[::-1])]
    # The first issue of each.
    begins = np.logical_or.reduce([run_begins(column) for column in every[:3]])
    fingerprint, kind, origin, issued_us, wide = every[:, begins]
    value = np.cumsum(run_begins(fingerprint)) - 1
    return _Homes(
        *(fingerprint, value, kind, origin, issued_us, wide > 0),
        tuple(kinds),
        tuple(origins),
    )


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
    of_homes = {name: place for place, name in enumerate(homes.origins)}
    origin = np.array([of_homes.get(name, NOTHING) for name in origins], dtype=np.int64)[code]
    exchange, fingerprint, place, places, shown = _values(facts, ids)
    sites: dict[str, int] = {}
    found = [np.zeros((3, 0), dtype=np.int64)]
    first, count = homes.range_of(fingerprint)
    codes = [sites.setdefault(site_of(name or ""), len(sites)) for name in origins]
    site = np.array(codes, dtype=np.int64)[code[exchange]]
    home_site = np.array([sites.get(site_of(name), NOTHING) for name in homes.origins], np.int64)
    # Each value at a site, of those that have a home.
    own = np.where(count > 0, first * max(len(sites), 1) + site, NOTHING)
    for part in _parts(count):
        value = np.repeat(np.arange(part.start, part.stop), count[part])
        ends = np.cumsum(count[part])
        home = np.arange(len(value)) + np.repeat(first[part] - ends + count[part], count[part])
        here, moment_us = origin[exchange[value]], start_us[exchange[value]]
        leaked = (homes.origin[home] != here) & (homes.issued_us[home] <= moment_us)
        away = home_site[homes.origin[home]] != site[value]
        as_state, known_there = shown[value], within(own[value], own[shown])
        leaked &= np.where(homes.wide[home], away & ~as_state & ~known_there, away | ~as_state)
        value, home, here = value[leaked], home[leaked], here[leaked]
        row = np.stack([exchange[value], place[value], home])
        found.append(row[:, ~homes.known(home, here)])
    exchange, place, home = np.unique(np.concatenate(found, axis=1), axis=1)
    by, kinds = options.client_by, homes.kinds
    few = exchanges.take(pa.array(exchange))
    client, clients = named(
        few, [CLIENT_BY[name] for name in by], partial(client_names, client_by=by)
    )
    columns = {
        "exchange_id": ids[exchange],
        "client": words(client, clients),
        "origin": words(code[exchange], origins),
        "place": words(place, places),
        "dialect": words(homes.kind[home], [dialect for dialect, _ in kinds]),
        "param": words(homes.kind[home], [param for _, param in kinds]),
        "fingerprint": homes.fingerprint[home],
        "issued_origin": words(homes.origin[home], homes.origins),
        "issued_us": homes.issued_us[home],
        "request_start_us": start_us[exchange],
    }
    return table(LEAKS, columns).cast(LEAKS.arrow)


def _parts(count: Ints) -> Iterator[slice]:
    """Parts of the values that have about `_AT_ONCE` homes each: a token may have many."""
    number = np.cumsum(count) // _AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(count)]
    return (slice(start, stop) for start, stop in itertools.pairwise(cuts) if start < stop)


def _values(facts: Mapping[str, Any], ids: Ints) -> tuple[Ints, Ints, Ints, list[str], Bools]:
    """What the requests carried: the exchange, the fingerprint and the place of each value, the
    places, and whether it was presented as state."""
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
    shown = np.arange(len(exchange)) < len(presented)
    return exchange[known], fingerprint[known], place[known], list(places), shown[known]
