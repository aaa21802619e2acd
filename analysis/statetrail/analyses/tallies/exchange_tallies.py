"""Tallies of exchanges and of the values in them, as rules about captures and APIs count them.

Enters: the facts of a bucket. Leaves: the table `EXCHANGE_TALLIES`. What is counted:

`NO_RESPONSE`: exchanges without a response, or with one that was cut short; the detail is why.
`CLOCK_SET_BACK`: exchanges that ended before they started, or before an earlier one did. Both of
those in which a dialect recognised something.

`MALFORMED`: issues that do not parse; the detail is the problem and the endpoint. An exact copy of
what is well formed says the same, and is left out.
`IN_QUERY`: requests that present a credential in the query of the address, of all that present it.
`PLAIN_HTTP`: exchanges that carry a parameter over http to another machine.
`CACHEABLE`: responses to GET that issue a parameter and let shared caches store them; the detail
is the directives and the endpoint.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.analysis import analysis
from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, run_begins, unique, within
from statetrail.analyses.columnar.bucket import MALFORMED as UNREADABLE
from statetrail.analyses.columnar.bucket import Bucket, bucket, located
from statetrail.analyses.columnar.clock_steps import ClockSteps, clock_steps
from statetrail.analyses.columnar.coding import Coded, coded, integers, paired
from statetrail.analyses.columnar.exchanges import ORIGIN_COLUMNS, origins_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.analyses.events.history import pairs
from statetrail.analyses.exposure.shared import is_credential
from statetrail.analyses.lifetimes.outcomes import series_names
from statetrail.analyses.tallies.tally import Subject, tallies, tally, united
from statetrail.recording.dialect_classes import CLASS
from statetrail.recording.frames import Recording

NO_RESPONSE: Final = "no response"
CLOCK_SET_BACK: Final = "clock set back"
MALFORMED: Final = "malformed"
IN_QUERY: Final = "in the query"
PLAIN_HTTP: Final = "plain http"
CACHEABLE: Final = "cacheable"

EXCHANGE_TALLIES: Final = tallies("exchange_tallies", "something that exchanges show")

OWN_MACHINE: Final = ("http://localhost", "http://127.", "http://[::1]")
"""What stays on one machine cannot be read on the way."""
_STORED: Final = re.compile(r"(?:^|,)(?:public|s-maxage=[1-9]|max-age=[1-9])")
_KEPT_OUT: Final = re.compile(r"(?:^|,)(?:private|no-store|no-cache)(?:,|\Z)")
_READS: Final = ("GET", "HEAD")
_TIMES: Final = ("request_start_us", "response_start_us", "response_end_us")
_COLUMNS: Final = {
    "exchanges": (
        *("exchange_id", *ORIGIN_COLUMNS, *_TIMES, "method", "endpoint", "status", "error"),
        *("cache_control", "dialects"),
    ),
    "issued": ("exchange_id", "dialect", "param", "problem"),
    "presented": ("exchange_id", "dialect", "param", "channel", "kind"),
}


@artifact(reads=_COLUMNS, needs=(settings, clock_steps, bucket))
def _of_bucket(
    facts: Mapping[str, Any], options: Settings, steps: ClockSteps, bucket: Bucket
) -> pa.Table:
    found = [_cacheable(facts["exchanges"], bucket)]
    if facts[CLASS] == 0:  # The others are of no class.
        exchanges = _Exchanges.of(facts["exchanges"])
        issued, presented = (
            _Values.of(facts[name], exchanges, options) for name in ("issued", "presented")
        )
        found += [
            _no_response(exchanges),
            _clock_set_back(exchanges, steps),
            _malformed(exchanges, issued),
            _in_query(exchanges, presented, options),
            _plain_http(exchanges, (issued, presented)),
        ]
    return pa.concat_tables(found)


@analysis(EXCHANGE_TALLIES, needs=(_of_bucket,), scope="whole", audited=True)
def exchange_tallies(_: Recording, several: Iterator[pa.Table]) -> pa.Table:
    """The tallies of all buckets."""
    return united(several)


@dataclass(frozen=True, slots=True)
class _Exchanges:
    """The exchanges of a bucket as recorded: their origins and endpoints are coded."""

    rows: pa.Table
    id: Ints
    by_id: Ints
    start_us: Ints
    origin: Coded
    endpoint: Coded

    @staticmethod
    def of(rows: pa.Table) -> "_Exchanges":
        ids, start_us = (integers(rows[name]) for name in ("exchange_id", _TIMES[0]))
        origin, endpoint = origins_of(rows), coded(rows["endpoint"])
        return _Exchanges(rows, ids, np.argsort(ids), start_us, origin, endpoint)

    def hits(self, subject: Ints, exchange: Ints) -> tuple[Ints, Ints, Ints]:
        """What happened to the subjects in these exchanges, as `tally` takes it."""
        return subject, self.id[exchange], self.start_us[exchange]


@dataclass(frozen=True, slots=True)
class _Values:
    """The values issued, or presented, in known exchanges: places of `_Exchanges` and of params."""

    rows: pa.Table
    exchange: Ints
    param: Ints
    params: tuple[tuple[str, str], ...]

    @staticmethod
    def of(rows: pa.Table, exchanges: _Exchanges, options: Settings) -> "_Values":
        names = {dialect.name for each in options.classes for dialect in each.dialects}
        param, params = paired(coded(rows["dialect"]), coded(rows["param"]))
        exchange = located(integers(rows["exchange_id"]), exchanges.id, exchanges.by_id)
        known = np.array([dialect in names for dialect, _ in params], dtype=np.bool_)[param]
        kept = known & (exchange != NOTHING)
        if not kept.all():
            rows, exchange, param = rows.filter(pa.array(kept)), exchange[kept], param[kept]
        return _Values(rows, exchange, param, params)

    def subjects(self, exchanges: _Exchanges) -> tuple[Ints, list[Subject]]:
        """The subject of each value as a place, and the subjects."""
        code, origins = exchanges.origin
        subject, named = paired((code[self.exchange], origins), (self.param, [*self.params]))
        return subject, [(origin or "", *param) for origin, param in named]


def _no_response(exchanges: _Exchanges) -> pa.Table:
    status, error = exchanges.rows["status"], exchanges.rows["error"]
    missing = pc.or_(pc.is_null(status), pc.is_valid(error)).to_numpy()
    return _of_exchanges(NO_RESPONSE, exchanges, missing, coded(error))


def _clock_set_back(exchanges: _Exchanges, steps: ClockSteps) -> pa.Table:
    request, start, end = (exchanges.rows[name] for name in _TIMES)
    back = within(exchanges.id, steps.exchange)
    for early, late in ((request, start), (start, end), (request, end)):
        back |= pc.fill_null(pc.less(late, early), False).to_numpy()
    return _of_exchanges(CLOCK_SET_BACK, exchanges, back, None)


def _of_exchanges(
    name: str, exchanges: _Exchanges, happened: Bools, detail: Coded | None
) -> pa.Table:
    """A tally of the exchanges in which a dialect recognised something."""
    dialect, dialects = coded(exchanges.rows["dialects"])
    recognised = np.array([bool(each) for each in dialects], dtype=np.bool_)[dialect]
    origin, origins = exchanges.origin
    times = np.bincount(origin[recognised], minlength=len(origins))
    hit = np.flatnonzero(happened & recognised)
    subjects = [(name or "", "", "") for name in origins]
    of_hits = None if detail is None else (detail[0][hit], detail[1])
    return tally(name, subjects, times, exchanges.hits(origin[hit], hit), of_hits)


def _malformed(exchanges: _Exchanges, issued: _Values) -> pa.Table:
    subject, subjects = issued.subjects(exchanges)
    problem, problems = coded(issued.rows["problem"])
    sound = _one_of(problem, problems, (None,))
    times = np.bincount(subject[sound], minlength=len(subjects))
    hit = np.flatnonzero(~sound)
    if len(hit):
        issue = pairs(issued.exchange, issued.param, len(issued.params))
        copy = _one_of(problem, problems, ("repeated",))[hit]
        hit = hit[~(copy & within(issue[hit], issue[sound]))]
    times += np.bincount(subject[hit], minlength=len(subjects))
    endpoint, endpoints = exchanges.endpoint
    detail, named = paired((problem[hit], problems), (endpoint[issued.exchange[hit]], endpoints))
    texts = [f"{problem} at {endpoint}" for problem, endpoint in named]
    hits = exchanges.hits(subject[hit], issued.exchange[hit])
    return tally(MALFORMED, subjects, times, hits, (detail, texts))


def _in_query(exchanges: _Exchanges, presented: _Values, options: Settings) -> pa.Table:
    secret = {
        (dialect.name, param.name)
        for each in options.classes
        for dialect in each.dialects
        for param in dialect.params
        if is_credential(param)
    }
    credential = np.array([param in secret for param in presented.params], dtype=np.bool_)
    kind, kinds = coded(presented.rows["kind"])
    channel, channels = coded(presented.rows["channel"])
    value = credential[presented.param] & _one_of(kind, kinds, ("value",))
    subject, subjects = presented.subjects(exchanges)
    times = np.bincount(subject[value], minlength=len(subjects))
    hit = np.flatnonzero(value & _one_of(channel, channels, ("uriquery",)))
    hits = exchanges.hits(subject[hit], presented.exchange[hit])
    return tally(IN_QUERY, subjects, times, hits)


def _plain_http(exchanges: _Exchanges, values: tuple[_Values, _Values]) -> pa.Table:
    """At an origin with http all exchanges are hits; elsewhere `value_counts` has how many."""
    origin, origins = exchanges.origin
    open_ = [
        bool(name and name.startswith("http://") and not name.startswith(OWN_MACHINE))
        for name in origins
    ]
    plain = np.array(open_, dtype=np.bool_)[origin]
    # An exchange that issues what it was presented counts once.
    names = list(dict.fromkeys(name for each in values for _, name in each.params))
    transfers = []
    for each in values:
        param = np.array([names.index(name) for _, name in each.params], dtype=np.int64)
        over = np.flatnonzero(plain[each.exchange])
        transfers.append(pairs(each.exchange[over], param[each.param[over]], len(names)))
    exchange, param = np.divmod(unique(np.concatenate(transfers)), max(len(names), 1))
    subject, named = paired((origin[exchange], origins), (param, names))
    subjects = [(origin or "", "", name) for origin, name in named]
    times = np.bincount(subject, minlength=len(subjects))
    return tally(PLAIN_HTTP, subjects, times, exchanges.hits(subject, exchange))


def _cacheable(rows: pa.Table, bucket: Bucket) -> pa.Table:
    issued, exchanges, names = bucket.issued, bucket.exchanges, series_names(bucket)
    readable = issued.usage != UNREADABLE
    # A response may issue a value in several places: that is one issue.
    width = max(len(bucket.values), 1)
    issues = np.sort(issued.exchange[readable] * width + issued.value[readable])
    issues = issues[run_begins(issues)]
    exchange, value = issues // width, issues % width
    ids = integers(rows["exchange_id"])
    row = located(exchanges.id[exchange], ids, np.argsort(ids))
    method, methods = coded(rows["method"])
    read = _one_of(method, methods, _READS)[row]
    exchange, series, row = exchange[read], bucket.values.series[value[read]], row[read]
    kinds: dict[Subject, int] = {}
    kind = np.array([kinds.setdefault(name, len(kinds)) for name in names], dtype=np.int64)
    subject = kind[series]
    control, controls = coded(rows["cache_control"])
    stored = [
        text is not None and bool(_STORED.search(text)) and not _KEPT_OUT.search(text)
        for text in controls
    ]
    hit = np.flatnonzero(np.array(stored, dtype=np.bool_)[control[row]])
    endpoint, endpoints = coded(rows["endpoint"])
    detail, named = paired((control[row[hit]], controls), (endpoint[row[hit]], endpoints))
    texts = [f"{control} at {endpoint}" for control, endpoint in named]
    observed_us = exchanges.clock[exchanges.response_start[exchange[hit]]]
    hits = subject[hit], exchanges.id[exchange[hit]], observed_us
    times = np.bincount(subject, minlength=len(kinds))
    return tally(CACHEABLE, list(kinds), times, hits, (detail, texts))


def _one_of(code: Ints, names: list[Any], wanted: tuple[str | None, ...]) -> Bools:
    """Which of the coded words are among those wanted."""
    return np.array([name in wanted for name in names], dtype=np.bool_)[code]
