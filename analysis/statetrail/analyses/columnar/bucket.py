"""Buckets: the facts of some clients as integer arrays, which the judging analyses work on.

Enters: the fact tables of a recording, or of one bucket of its clients, as Arrow. Leaves: a
`Bucket`.
Words that repeat a million times are codes here, times are ranks, and everything that has to be
sorted is sorted once. All rows of a client are in one bucket.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import (
    NOTHING,
    Bools,
    Ints,
    among,
    distinct,
    numbered,
    run_begins,
)
from statetrail.analyses.columnar.clock_steps import ClockSteps, clock_steps
from statetrail.analyses.columnar.coding import (
    Words,
    coded,
    integers,
    largest,
    numbered_words,
    paired,
    placed,
)
from statetrail.analyses.columnar.cross_origin import cross_origin
from statetrail.analyses.columnar.exchanges import COLUMNS as EXCHANGE_COLUMNS
from statetrail.analyses.columnar.exchanges import Exchanges, exchanges_of
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.scopes import PathAnswers, path_answers, spoken
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.dialects import Dialect
from statetrail.extract.records import MAX_VALUES
from statetrail.recording.dialect_classes import CLASS

IMPLICIT, MALFORMED = -1, -2
"""Usages that name no place: the client chooses none, or the issue cannot be read."""
EMPTY, VALUE, ESTABLISH, ENDS, DUE, HIDDEN = range(6)
"""What was presented."""

_KINDS: Final = {
    "value": VALUE,
    "establish": ESTABLISH,
    "ends": ENDS,
    "due": DUE,
    "placeholder": HIDDEN,
}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "exchanges": EXCHANGE_COLUMNS,
    "issued": (
        *("exchange_id", "dialect", "param", "value", "fingerprint"),
        *("usage", "priority", "problem", "channel", "length", "alphabet"),
        *("family_fingerprint", "tells", "kind"),
    ),
    "presented": (
        *("exchange_id", "ordinal", "dialect", "param", "value", "fingerprint"),
        *("channel", "kind", "family_fingerprint"),
    ),
}
"""The columns that a bucket is made of, besides those that tell clients apart."""


@dataclass(frozen=True, slots=True)
class IssuedValues:
    """The values issued, malformed ones too: `exchange`, `value` and `series` are places.

    `usage` is a place in `Bucket.channels`, `IMPLICIT` or `MALFORMED`. `crosses` and `hidden` are
    those of `statetrail.analyses.columnar.cross_origin`. `sound`: it can be read, and binds.
    """

    exchange: Ints
    value: Ints
    series: Ints
    usage: Words
    informational: Bools
    crosses: Bools
    hidden: Bools
    sound: Bools

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class PresentedValues:
    """The values presented, in order of (exchange, series, ordinal).

    `channel` is a place in `Bucket.channels`.
    """

    exchange: Ints
    value: Ints
    series: Ints
    channel: Words
    kind: Words

    def __len__(self) -> int:
        return len(self.exchange)


@dataclass(frozen=True, slots=True)
class Values:
    """The distinct values by series and fingerprint; -1 for a text or length that is not known."""

    series: Ints
    fingerprint: Ints
    text: Ints
    length: Ints
    alphabet: Ints

    def __len__(self) -> int:
        return len(self.series)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The facts of some clients; what is a place is one in the table of that name.

    Attributes
    ----------
    clients
        (client, origin) of each `Exchanges.client`: together with a parameter one *series*.
    endpoints
        (origin, endpoint) of each `Exchanges.endpoint`.
    params
        (dialect, param) of each parameter.
    channels
        Where values were presented, or were to be presented.
    series_client, series_param
        Of each series. Series of one client are in the order of their parameters.
    texts
        The words that `Values.text` and `Values.alphabet` are places in.
    answers
        What the globs of the dialects say of the paths in `endpoints`.
    dialects
        The dialects whose parameters are judged.
    declared, realm
        How, as a `DialectClass` has it. The origin in `clients` is the realm.
    """

    exchanges: Exchanges
    issued: IssuedValues
    presented: PresentedValues
    values: Values
    clients: tuple[tuple[str, str], ...]
    endpoints: tuple[tuple[str, str], ...]
    params: tuple[tuple[str, str], ...]
    channels: tuple[str, ...]
    series_client: Ints
    series_param: Ints
    texts: tuple[str, ...]
    answers: PathAnswers
    dialects: tuple[Dialect, ...]
    declared: bool
    realm: str


@artifact(reads=COLUMNS, needs=(settings, clock_steps), stored=True)
def bucket(facts: Mapping[str, Any], options: Settings, steps: ClockSteps) -> Bucket:
    """The bucket that the fact tables make; they have `COLUMNS` and those of `client_by`."""
    judged = options.classes[facts[CLASS]]
    exchanges, clients, endpoints = exchanges_of(
        *(facts["exchanges"], options.client_by, options.grace_us, steps, judged.realm)
    )
    by_id = np.argsort(exchanges.id)
    dialects = {dialect.name for dialect in judged.dialects}
    params = {(d.name, param.name): 0 for d in judged.dialects for param in d.params}
    params = {name: number for number, name in enumerate(params)}
    rows = [
        known_rows(facts[name], exchanges, by_id, params, dialects)
        for name in ("issued", "presented")
    ]
    if judged.declared:
        rows = spoken(rows, judged.dialects, exchanges.client, params)
    issues, issuing, _ = rows[0]
    origins = [origin for _, origin in clients], exchanges.client[issuing]
    headless = exchanges.headless[issuing]
    crosses, hidden = cross_origin(facts["exchanges"], issues, *origins, headless, judged.dialects)
    client = np.concatenate([exchanges.client[exchange] for _, exchange, _ in rows])
    param = np.concatenate([number for _, _, number in rows])
    pairs, series = distinct(client * len(params) + param, len(clients) * len(params))
    fingerprint = np.concatenate([_families(table) for table, _, _ in rows])
    value, at = numbered(series, fingerprint)
    cut = [len(rows[0][1])]
    texts: dict[str, int] = {}
    channels = {"implicit": IMPLICIT}
    (issued, presented), values = _values(
        rows,
        np.split(series, cut),
        np.split(value, cut),
        (series[at], fingerprint[at]),
        (crosses, hidden, exchanges.binding[issuing] & ~hidden),
        texts,
        channels,
    )
    width = max(len(params), 1)
    return Bucket(
        exchanges=exchanges,
        issued=issued,
        presented=presented,
        values=values,
        clients=clients,
        endpoints=endpoints,
        params=tuple(params),
        channels=tuple(word for word, code in channels.items() if code >= 0),
        series_client=pairs // width,
        series_param=pairs % width,
        texts=tuple(texts),
        answers=path_answers(judged.dialects, [path for _, path in endpoints]),
        dialects=judged.dialects,
        declared=judged.declared,
        realm=judged.realm,
    )


def _families(table: pa.Table) -> Ints:
    """The fingerprints of the values, or of what stays the same in them."""
    family = table["family_fingerprint"]
    if family.null_count == len(family):
        return integers(table["fingerprint"])
    return integers(pc.coalesce(family, table["fingerprint"]))


def known_rows(
    table: pa.Table,
    exchanges: Exchanges,
    by_id: Ints,
    params: dict[tuple[str, str], int],
    dialects: set[str],
) -> tuple[pa.Table, Ints, Ints]:
    """The rows of known exchanges and dialects, the place of their exchange, their parameter."""
    pair, pairs = paired(coded(table["dialect"]), coded(table["param"]))
    number = np.array(
        [params.setdefault(p, len(params)) if p[0] in dialects else NOTHING for p in pairs],
        dtype=np.int64,
    )[pair]
    exchange = located(integers(table["exchange_id"]), exchanges.id, by_id)
    kept = (exchange >= 0) & (number >= 0)
    if not kept.all():
        table, exchange, number = table.filter(pa.array(kept)), exchange[kept], number[kept]
    return table, exchange, number


def located(wanted: Ints, ids: Ints, by_id: Ints) -> Ints:
    """The place of each wanted id in `ids`, whose order is `by_id`; -1 where it is not there."""
    begins = run_begins(wanted)  # the rows of one exchange mostly come together
    place = among(ids[by_id], wanted[begins])
    return np.append(by_id, NOTHING)[place][np.cumsum(begins) - 1]


def issues_of(table: pa.Table, bucket: Bucket) -> tuple[pa.Table, Ints]:
    """The rows of table `issued` that `Bucket.issued` is made of, with the places of exchanges.

    `table` has ``exchange_id``, ``dialect``, ``param`` and ``tells``, in the order of the facts.
    """
    exchanges, params = bucket.exchanges, {param: at for at, param in enumerate(bucket.params)}
    names = {dialect.name for dialect in bucket.dialects}
    rows = known_rows(table, exchanges, np.argsort(exchanges.id), params, names)
    if bucket.declared:
        rows = spoken([rows], bucket.dialects, exchanges.client, params)[0]
    return rows[0], rows[1]


def _values(
    rows: list[tuple[pa.Table, Ints, Ints]],
    series: list[Ints],
    value: list[Ints],
    known: tuple[Ints, Ints],
    flags: tuple[Bools, Bools, Bools],
    texts: dict[str, int],
    channels: dict[str, int],
) -> tuple[tuple[IssuedValues, PresentedValues], Values]:
    (issues, issuing, _), (shown, presenting, _) = rows
    sound, (crosses, hidden, binding) = pc.is_null(issues["problem"]).to_numpy(), flags
    if issues["kind"].null_count < len(issues):
        sound = sound & pc.is_null(issues["kind"]).to_numpy()  # what is void is no value
    usage = np.where(sound, _channels(issues["usage"], channels), np.int8(MALFORMED))
    kind = numbered_words(shown["kind"], _KINDS, EMPTY)
    ordinal = integers(shown["ordinal"])
    issued = IssuedValues(
        issuing,
        value[0],
        series[0],
        usage,
        numbered_words(issues["priority"], {"informational": 1}, 0) == 1,
        *(crosses, hidden, sound & binding),
    )
    key = presenting * max(len(known[0]), 1) + series[1]
    if ordinal.min(initial=0) >= 0 and ordinal.max(initial=0) < MAX_VALUES:
        # Quick where they are in order already.
        order = np.argsort(key * MAX_VALUES + ordinal, kind="stable")
    else:  # a forged store
        order = np.lexsort((ordinal, key))
    presented = PresentedValues(
        presenting[order],
        value[1][order],
        series[1][order],
        _channels(shown["channel"], channels)[order],
        kind[order],
    )
    used, count = kind == VALUE, len(known[0])
    values = Values(
        *known,
        np.maximum(
            largest(count, value[0], sound, placed(issues["value"], texts)),
            largest(count, value[1], used, placed(shown["value"], texts)),
        ),
        largest(count, value[0], sound, integers(issues["length"])),
        largest(count, value[0], sound, placed(issues["alphabet"], texts)),
    )
    return (issued, presented), values


def _channels(column: pa.ChunkedArray, codes: dict[str, int]) -> Words:
    """The column's words as places in the list of channels, to which new ones are added."""
    code, words = coded(column)
    places = [
        IMPLICIT if word is None else codes.setdefault(word, len(codes) - 1) for word in words
    ]
    return np.array(places, dtype=np.int8)[code]
