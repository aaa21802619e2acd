"""Answers about a recording as JSON, each of them bounded.

Enters: a recording, and what is asked for: a table, a session, an exchange. Leaves: JSON text with
at most `MAX_CHARACTERS`. Fingerprints are pseudonyms, times are ISO 8601 in UTC, and a text that
came over the network is cleaned and cut.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.catalogue import NAMES, TABLES
from statetrail.cli.explain import pages_of, readable
from statetrail.cli.show import result
from statetrail.errors import UsageError, unknown
from statetrail.extract.text import clean
from statetrail.recording.frames import Frame, Recording
from statetrail.report.audit import audit
from statetrail.report.document import Document
from statetrail.report.sections.findings import Finding
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import SEVERITIES
from statetrail.rules.suppression import Entry
from statetrail.schema import Column, pseudonym

MAX_CHARACTERS: Final = 40_000
"""Of an answer; rows that are too many are left out, and the answer says so."""
MAX_ROWS: Final = 200
MAX_TEXT: Final = 600
"""Characters of a text in an answer."""
MAX_PAGE: Final = 12_000
MAX_EVIDENCE: Final = 20
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

type Row = dict[str, Any]


class Answers:
    """Answers about one recording, which is read as it was when this was made."""

    def __init__(self, rec: Recording, profile: Profile, suppressions: Sequence[Entry]) -> None:
        self._rec = rec
        self._profile = profile
        self._suppressions = suppressions
        self._tables: dict[str, Frame] = {}
        self._rows: dict[str, pa.Table] = {}

    @cached_property
    def document(self) -> Document:
        """The audit."""
        return audit(self._rec, profile=self._profile, suppressions=self._suppressions).document

    def summary(self) -> str:
        """The audit in short."""
        document = self.document
        capture = document.capture
        severities = [finding.severity for finding in document.findings]
        head = {
            "stores": document.settings.stores,
            "client_by": document.settings.client_by,
            "exchanges": capture.exchanges,
            "in_scope": capture.in_scope,
            "clients": capture.clients,
            "origins": capture.origins,
            "started": capture.started,
            "ended": capture.ended,
            "incomplete": [s.problem for s in capture.sources if s.problem][:MAX_EVIDENCE],
            "compliance": document.overall,
            "findings_by_severity": {name: severities.count(name) for name in reversed(SEVERITIES)},
        }
        rows = [
            *({"action": one.title, "rule": one.rule} for one in document.actions),
            *(
                {"question": answer.question, "answer": statement.text}
                for answer in document.answers
                for statement in answer.statements
            ),
            *({"expiry": msgspec.to_builtins(one)} for one in document.expiry),
        ]
        return answer(head, rows, len(rows))

    def findings(self, severity: str, rule: str, client: str, limit: int, offset: int) -> str:
        """Findings of this severity or a higher one, of a rule, of clients with this name in it."""
        if severity not in SEVERITIES:
            raise UsageError(unknown("severity", severity, SEVERITIES))
        wanted = SEVERITIES[SEVERITIES.index(severity) :]
        found = [
            finding
            for finding in self.document.findings
            if finding.severity in wanted
            and rule in ("", finding.rule, *finding.also)
            and (not client or client in (finding.client or ""))
        ]
        page = found[offset : offset + _bounded(limit)]
        return answer({"total": len(found), "offset": offset}, map(_finding, page), len(page))

    def tables(self) -> str:
        """The tables and their columns."""
        rows = []
        for name in NAMES:
            table = TABLES[name] if name in TABLES else self._frame(name).table
            columns = {column.name: column.description for column in table.columns}
            rows.append({"table": name, "row": table.row, "columns": columns})
        return answer({}, rows, len(rows))

    def rows(
        self,
        name: str,
        columns: Sequence[str],
        equal: Mapping[str, str],
        limit: int,
        offset: int,
    ) -> str:
        """Rows of a table in which columns equal values, with the columns that are named."""
        table = self._frame(name).table
        rows = self._arrow(name)
        known = {column.name: column for column in table.columns}
        for column in (*columns, *equal):
            if column not in known:
                raise UsageError(unknown("column", column, known))
        for column, value in equal.items():
            rows = rows.filter(_holds(rows[column], known[column], value))
        names = list(dict.fromkeys(columns)) or list(table.names)
        page = rows.slice(max(0, offset), _bounded(limit)).select(names)
        shown = [_shown(row, known) for row in page.to_pylist()]
        return answer({"table": name, "total": rows.num_rows, "offset": offset}, shown, len(shown))

    def session(self, session: str) -> str:
        """A session: its row, and the verdicts of its requests in order of time."""
        head = self._matching("sessions", "session_fingerprint", session)
        verdicts = self._matching("verdicts", "session", session)
        if not head and not verdicts:
            raise UsageError(f"no session is named {session[:40]!r}: see the table sessions")
        verdicts.sort(key=lambda row: str(row["request_start"]))
        rows = [
            *({"table": "sessions", **row} for row in head),
            *({"table": "verdicts", **row} for row in verdicts),
        ]
        return answer({}, rows, len(rows))

    def exchange(self, number: int) -> str:
        """An exchange, what it presented and issued, and the verdicts on it."""
        names = ("exchanges", "presented", "issued", "verdicts")
        found = {name: self._matching(name, "exchange_id", str(number)) for name in names}
        if not found["exchanges"]:
            raise UsageError(f"no exchange has the id {number}")
        rows = [{"table": name, **row} for name in names[1:] for row in found[name]]
        return answer({"exchange": found["exchanges"][0]}, rows, len(rows))

    def _matching(self, name: str, column: str, value: str) -> list[Row]:
        table = self._frame(name).table
        known = {each.name: each for each in table.columns}
        rows = self._arrow(name)
        rows = rows.filter(_holds(rows[column], known[column], value)).slice(0, MAX_ROWS)
        return [_shown(row, known) for row in rows.to_pylist()]

    def _frame(self, name: str) -> Frame:
        if name not in NAMES:
            raise UsageError(unknown("table", name, NAMES))
        if name not in self._tables:
            self._tables[name] = result(self._rec, name)
        return self._tables[name]

    def _arrow(self, name: str) -> pa.Table:
        if name not in self._rows:
            self._rows[name] = self._frame(name).to_arrow()
        return self._rows[name]


def explanation(name: str) -> str:
    """What a rule, verdict, reason or root cause means, as Markdown."""
    text = "\n\n".join(readable(page.read_text("utf-8")) for page in pages_of(name))
    return text if len(text) <= MAX_PAGE else f"{text[:MAX_PAGE]}\n…"


def answer(head: Mapping[str, Any], rows: Iterable[Any], count: int) -> str:
    """JSON of a head and as many rows as fit, and how many of them there are."""
    kept: list[str] = []
    room = MAX_CHARACTERS - len(_json(head))
    for row in rows:
        text = _json(row)
        room -= len(text) + 2
        if room < 0:
            break
        kept.append(text)
    whole = {**head, "rows": len(kept)} | ({"cut_from": count} if len(kept) < count else {})
    return f'{_json(whole)[:-1]}, "data": [\n{",\n".join(kept)}\n]}}'


def _json(value: Any) -> str:
    return json.dumps(_cut(msgspec.to_builtins(value)), ensure_ascii=True, allow_nan=False)


def _cut(value: Any) -> Any:
    """A value whose texts are clean and bounded."""
    match value:
        case str():
            return clean(value, MAX_TEXT)
        case dict():
            return {clean(str(key), MAX_TEXT): _cut(each) for key, each in value.items()}
        case list() | tuple():
            return [_cut(each) for each in value]
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case _:
            return value


def _bounded(limit: int) -> int:
    return min(max(0, limit), MAX_ROWS)


def _finding(finding: Finding) -> Row:
    row = msgspec.to_builtins(finding)
    for name in ("evidence", "around", "sessions"):
        row[name] = row[name][:MAX_EVIDENCE]
    return {name: value for name, value in row.items() if value not in (None, [], ())}


def _shown(row: Row, known: Mapping[str, Column]) -> Row:
    """A row as people read it, without what is null."""
    return {
        name.removesuffix("_us"): _value(value, known[name])
        for name, value in row.items()
        if value is not None
    }


def _value(value: Any, column: Column) -> Any:
    if column.type == "fingerprint":
        return pseudonym(value)
    if column.type != "timestamp":
        return value
    try:
        return (_EPOCH + timedelta(microseconds=value)).isoformat()
    except OverflowError:
        return value


def _holds(values: pa.ChunkedArray, column: Column, text: str) -> Any:
    """Where a column equals a value as it is shown. Raises `UsageError`."""
    try:
        if column.type == "fingerprint":
            # A pseudonym is the first half of a fingerprint.
            return pc.equal(pc.shift_right(values, 32), _signed(int(text.lstrip("~"), 16)))
        if column.type == "text":
            return pc.equal(values, text)
        if column.type == "bool":
            return pc.equal(values, {"true": True, "false": False}[text.lower()])
        if column.type == "timestamp" and not text.lstrip("-").isdigit():
            since = datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH
            return pc.equal(values, since // timedelta(microseconds=1))
        number = float(text) if column.type == "float" else int(text)
        return pc.equal(values, pa.scalar(number, values.type))
    except (ValueError, KeyError, OverflowError, pa.ArrowException):
        raise UsageError(f"{text[:40]!r} is no value of the column {column.name}") from None


def _signed(half: int) -> int:
    """The first half of a signed fingerprint."""
    if not 0 <= half < 2**32:
        raise ValueError(half)
    return half - 2**32 if half >= 2**31 else half
