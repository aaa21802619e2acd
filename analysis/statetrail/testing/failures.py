"""What a failing assertion says: what is wrong and how often, why, what to do, and the session.

Enters: a recording and its verdicts or findings. Leaves: texts of several lines, without a
secret.
"""

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from statetrail.analyses.causes.root_causes import UNKNOWN, root_causes
from statetrail.analyses.conformance.verdict import BY_NAME
from statetrail.errors import UsageError, unknown
from statetrail.extract.text import clean
from statetrail.recording.frames import Recording
from statetrail.report.wording import count, duration, percent
from statetrail.rules import RULES
from statetrail.testing.swimlane import swimlanes

MAX_TEXT: Final = 300
MAX_FINDINGS: Final = 8

type Row = dict[str, Any]


def disobeys(rec: Recording, rows: Sequence[Row], faults: Sequence[Row]) -> str:
    """A client ignored state."""
    judged = len(faults) + sum(row["verdict"] == "honoured" for row in rows)
    share = percent(1 - len(faults) / judged)
    what = f"the client does not obey: {len(faults)} of {count(judged, 'verdict')} are faults"
    return _lines(
        f"{what} ({share} compliance)", _reasons(rec, faults), swimlanes(rec, rows, faults)
    )


def lacks(rec: Recording, param: str, rows: Sequence[Row], faults: Sequence[Row]) -> str:
    """A client did not present a parameter, or presented it in a wrong way."""
    requests = count(sum(row["verdict"] == "honoured" for row in rows) + len(faults), "request")
    what = f"{param} is not presented as issued in {len(faults)} of {requests}"
    return _lines(what, _reasons(rec, faults), swimlanes(rec, rows, faults))


def found(rec: Recording, severity: str, rows: Sequence[Row]) -> str:
    """A rule has findings; rows of the table `findings`."""
    head = f"{count(len(rows), 'finding')} of severity {severity} or higher"
    return _lines(head, *(_finding(rec, row) for row in rows[:MAX_FINDINGS]), _more(rows))


def nothing_judged(rec: Recording, rows: Sequence[Row], grace_s: float) -> str:
    """No verdict counts, so that obeying was not tested."""
    return f"nothing was tested: {_why_not(rec, rows, grace_s)}"


def never_due(rec: Recording, param: str, rows: Sequence[Row], grace_s: float) -> str:
    """No request had to present the parameter."""
    issued = sorted(set(rec.issued.lazy.select("param").collect("pyarrow")["param"].to_list()))
    if not rows and param not in issued:
        return f"{param} was never issued{_did_you_mean(param, issued)}"
    return f"no request had to present {param}: {_why_not(rec, rows, grace_s)}"


def no_client(client: str, known: Iterable[str]) -> str:
    """No client has that name."""
    names = "; ".join(clean(name, 80) for name in sorted(known)[:8])
    return f"no client's name contains {client!r}: the clients are {names}"


def check_choice(what: str, value: str, choices: Collection[str]) -> None:
    """Raise `UsageError` for a value that is none of the choices."""
    if value not in choices:
        raise UsageError(unknown(what, value, choices))


def check_rules(ids: Collection[str]) -> None:
    """Raise `UsageError` for the id of a rule that there is not."""
    known = [rule.id for rule in RULES]
    for one in ids:
        check_choice("rule", one, known)


def _did_you_mean(value: str, choices: Collection[str]) -> str:
    near = difflib.get_close_matches(value, choices, 1, 0.5)
    return f": did you mean {near[0]}?" if near else ""


def _why_not(rec: Recording, rows: Sequence[Row], grace_s: float) -> str:
    if any(row["verdict"] == "in-flight" for row in rows):
        return (
            f"each request was sent within {duration(grace_s)} of an issue, when a client may "
            "still use older state; call settle() before a request, or set statetrail_grace_ms = 0 "
            "if the client sends one request at a time"
        )
    if excused := Counter(row["reason"] or row["verdict"] for row in rows):
        reasons = ", ".join(f"{number} {name}" for name, number in excused.most_common(4))
        return f"no request had to present what was issued before ({reasons})"
    if not rec.issued.to_arrow().num_rows:
        names = ", ".join(dialect.name for dialect in rec.dialects)
        return f"no response issued state that one of these dialects reads: {names}"
    return "no request followed the issue of state"


def _reasons(rec: Recording, faults: Sequence[Row]) -> Iterator[str]:
    """One line a verdict and parameter, with the cause where the traffic shows it."""
    causes = Counter[tuple[str, str, str]]()
    for row in root_causes(rec).rows():
        if row["cause"] != UNKNOWN:
            causes[row["verdict"], row["param"], row["cause"]] += row["count"]
    for (verdict, param), number in Counter(
        (row["verdict"], row["param"]) for row in faults
    ).most_common():
        yield f"  {number} {verdict} {param}: {BY_NAME[verdict].text}"
        why = [cause for v, p, cause in causes if (v, p) == (verdict, param)]
        if why:
            yield f"    cause: {', '.join(why)}"
    names = dict.fromkeys(row["verdict"] for row in faults)
    yield f"  explained by: {', '.join(f'statetrail explain {name}' for name in names)}"


def _finding(rec: Recording, row: Row) -> Iterator[str]:
    yield ""
    about = ", ".join(clean(row[name], 80) for name in ("client", "param") if row[name])
    yield f"{row['severity']} {row['rule']}: {row['title']}{f' ({about})' if about else ''}"
    yield f"  {clean(row['message'], MAX_TEXT)}"
    yield f"  remedy: {row['remedy']}"
    marked = {int(one) for one in row["evidence"].split(",") if one}
    if row["client"] and row["param"] and marked:
        from statetrail.analyses.conformance.verdicts import verdicts

        rows = verdicts(rec).rows()
        own = [
            one for one in rows if (one["client"], one["param"]) == (row["client"], row["param"])
        ]
        yield from swimlanes(rec, own, [one for one in own if one["exchange_id"] in marked])


def _more(rows: Sequence[Row]) -> Iterator[str]:
    if len(rows) > MAX_FINDINGS:
        yield f"… and {len(rows) - MAX_FINDINGS} more"


def _lines(head: str, *parts: Iterable[str]) -> str:
    return "\n".join([head, *(line for part in parts for line in part)])
