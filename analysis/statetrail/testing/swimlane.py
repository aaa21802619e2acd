"""The swim-lane of a session as text: requests, what was issued and presented, and the verdicts.

Enters: a recording and verdicts that are faults. Leaves: lines of text, by client, in the order in
which the proxy saw the events; values are pseudonyms, or in clear where the recording has them so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from statetrail.recording.frames import Recording
from statetrail.report.evidence import EvidenceExchange, StateValue, events, gather_exchanges
from statetrail.report.wording import count, cut, duration
from statetrail.schema import pseudonym

BEFORE: Final = 8
"""Exchanges of a lane before its first fault."""
MAX_EXCHANGES: Final = 24
MAX_LANES: Final = 3
_PATH: Final = 36
_VALUE: Final = 44

type Row = dict[str, Any]


def swimlanes(rec: Recording, rows: Sequence[Row], faults: Sequence[Row]) -> Iterator[str]:
    """The lanes of the clients with faults, those with most faults first.

    Parameters
    ----------
    rows
        Verdicts: rows of the table `verdicts`.
    faults
        Those that the lanes are about. What is shown of each exchange are their parameters.
    """
    by_lane = defaultdict[tuple[str, str], list[Row]](list)
    for row in faults:
        by_lane[row["client"], row["origin"]].append(row)
    ranked = sorted(by_lane, key=lambda lane: -len(by_lane[lane]))
    for lane in ranked[:MAX_LANES]:
        yield ""
        yield from _lane(rec, lane, [row for row in rows if _of(row) == lane], by_lane[lane])
    if len(ranked) > MAX_LANES:
        yield f"… and {count(len(ranked) - MAX_LANES, 'client')} more"


def _of(row: Row) -> tuple[str, str]:
    return row["client"], row["origin"]


def _lane(
    rec: Recording, lane: tuple[str, str], rows: Sequence[Row], faults: Sequence[Row]
) -> Iterator[str]:
    client, origin = lane
    params = frozenset(row["param"] for row in faults)
    sessions = dict.fromkeys(
        pseudonym(row["session"]) for row in faults if row["session"] is not None
    )
    session = f", session {', '.join([*sessions][:MAX_LANES])}" if sessions else ""
    yield f"{cut(client, 60)} at {origin}{session}"
    ids = _in_order(rec, lane)
    first = ids.index(min((row["exchange_id"] for row in faults), key=ids.index))
    begin = max(0, first - BEFORE)
    shown = ids[begin : begin + MAX_EXCHANGES]
    if begin:
        yield f"  … {count(begin, 'earlier exchange')}"
    verdicts = {(row["exchange_id"], row["param"]): row for row in rows}
    exchanges = sorted(gather_exchanges(rec, shown), key=lambda each: shown.index(each.exchange))
    start = min(one.at for one in exchanges)
    for at, one, answer in events(exchanges):
        when = f"{'+' + duration((at - start).total_seconds()):>10}"
        yield from _event(when, one, params, verdicts, answer=answer)
    if (left := len(ids) - begin - len(shown)) > 0:
        yield f"  … {count(left, 'later exchange')}"


def _in_order(rec: Recording, lane: tuple[str, str]) -> list[int]:
    """The exchanges between a client and an origin in which a dialect recognised something."""
    frame = rec.exchanges_with_client().select(
        "exchange_id", "request_start_us", "client", "origin", "dialects"
    )
    rows = frame.collect("pyarrow").rows(named=True)
    own = [row for row in rows if _of(row) == lane and row["dialects"]]
    own.sort(key=lambda row: (row["request_start_us"], row["exchange_id"]))
    return [row["exchange_id"] for row in own]


def _event(
    when: str,
    one: EvidenceExchange,
    params: Iterable[str],
    verdicts: Mapping[tuple[int, str], Row],
    *,
    answer: bool,
) -> Iterator[str]:
    values = _values(one.issued if answer else one.presented, params)
    if answer:
        head = f"{when}  <--  {one.status if one.status is not None else one.error}"
        lines = [line for _, line in values]
    else:
        head = f"{when}  -->  {one.method} {one.path}"
        lines = [_judged(line, verdicts.get((one.exchange, param))) for param, line in values]
        lines += [
            _judged(f"{param} not presented", row)
            for param in sorted(params)
            if (row := verdicts.get((one.exchange, param))) is not None
            and all(seen.param != param for seen in one.presented)
        ]
    for line in lines or [""]:
        yield f"{cut(head, 18 + _PATH):<{18 + _PATH}}  {line}".rstrip()
        head = ""


def _values(seen: Sequence[StateValue], params: Iterable[str]) -> Iterator[tuple[str, str]]:
    for one in seen:
        if one.param in params:
            note = f" ({one.note})" if one.note else ""
            yield one.param, cut(f"{one.param} {one.value}{note}", _VALUE)


def _judged(text: str, row: Row | None) -> str:
    if row is None:
        return text
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{text:<{_VALUE}}  {'FAULT ' if row['fault'] else ''}{row['verdict']}{reason}"
