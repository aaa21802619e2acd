"""Holds the tool against the labels: a simulated capture through `statetrail import`, then judged.

Enters: a seed and sizes. Leaves: a `Confusion` with the table of label against verdict, the
innocents blamed and the root causes named rightly. ``make confusion`` prints it and
exits 1 where the tool falls short.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import statetrail
from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.conformance.verdict import IN_FLIGHT, VERDICTS
from statetrail.recording.frames import Recording
from studies.labelled.labels import Label, label
from studies.simulation.clients import simulate
from studies.simulation.har import write_har

NONE = "(no row)"
_ROW = ("exchange_id", "dialect", "param")
LEAST_CAUSES = 0.95
# What the simulation calls a cause, and how the tool names it.
CAUSES = {
    "percent-encoded": "encoding-variant",
    "lower-cased": "encoding-variant",
    "quoted": "encoding-variant",
    "padded": "encoding-variant",
    "truncated": "truncated",
    "first-only": "until-first-rotation",
    "some-endpoints": "some-endpoints",
    "never": "not-implemented",
}


@dataclass(slots=True)
class Confusion:
    """How the tool's answers compare with the labels.

    Attributes
    ----------
    verdicts
        Rows by label and verdict.
    wrong
        Labels whose verdict is another, with that verdict.
    blamed
        Rows in which the tool blames a client that did nothing wrong.
    undecided
        Rows of requests that name no session, to which the tool gives no verdict, and faults of
        requests that a browser may have composed before there was a connection.
    causes
        Labelled faults by the cause of the label, in the tool's words, and the cause named.
    """

    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[tuple[Label, str]] = field(default_factory=list)
    blamed: int = 0
    undecided: int = 0
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong_causes: list[tuple[Label, str]] = field(default_factory=list)

    def score(self, verdict: str) -> tuple[float, float]:
        """Precision and recall of a verdict."""
        right = self.verdicts[verdict, verdict]
        named = sum(n for (_, found), n in self.verdicts.items() if found == verdict)
        true = sum(n for (meant, _), n in self.verdicts.items() if meant == verdict)
        return right / named if named else 1.0, right / true if true else 1.0

    @property
    def share_of_causes(self) -> float:
        """The share of labelled faults whose root cause is named rightly."""
        right = sum(n for (meant, found), n in self.causes.items() if meant == found)
        return right / self.causes.total() if self.causes else 1.0

    @property
    def sound(self) -> bool:
        """Whether every verdict is right, no innocent blamed and enough causes are right."""
        return not self.wrong and not self.blamed and self.share_of_causes >= LEAST_CAUSES


def record(folder: Path, seed: int, clients: int, exchanges: int) -> tuple[Recording, list[Label]]:
    """A simulated capture, imported from HAR by the command, and its labels."""
    characters, made = simulate(seed, clients, exchanges)
    har, store = folder / f"capture-{seed}.har", folder / f"capture-{seed}.sqlite"
    write_har(har, characters, made, seed)
    command = [sys.executable, "-m", "statetrail", "import", str(har), "--store", str(store)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    rec = statetrail.open(store)
    # The store numbers exchanges as the file has them.
    found = [(r["peer"], r["user_agent"], r["method"], r["path"]) for r in rec.exchanges.rows()]
    clients = [(characters[x.client].peer, characters[x.client].agent) for x in made]
    meant = [(*w, x.endpoint.method, x.endpoint.path) for w, x in zip(clients, made, strict=True)]
    assert found == meant, "the import lost, added or moved exchanges"
    return rec, label(made)


def compare(rec: Recording, labels: list[Label], result: Confusion | None = None) -> Confusion:
    """The tool's verdicts against the labels, added to `result` where one is given."""
    result = result or Confusion()
    rows = statetrail.verdicts(rec).rows()
    found = {_row(row): (row["verdict"], row["fault"]) for row in rows}
    # These clients compose a request when they send it, which a HAR file does not say: there was
    # no connection yet, and the tool takes what arrived meanwhile for unknown to them.
    held = {
        row["exchange_id"] for row in rec.exchanges.rows() if row["request_composed_us"] is not None
    }
    for one in labels:
        verdict, fault = found.pop((one.exchange, one.dialect, one.param), (NONE, False))
        if one.fault and verdict == IN_FLIGHT and one.exchange in held:
            result.undecided += 1
        else:
            _hold(result, one, verdict, fault)
    for (exchange, dialect, param), verdict in found.items():
        _hold(result, Label(exchange, dialect, param, NONE, False, None, "none"), *verdict)
    return result


def compare_causes(rec: Recording, labels: list[Label], result: Confusion) -> None:
    """The tool's root causes against the labels that have one, added to `result`."""
    rows = causes(rec).lazy.select(*_ROW, "cause").collect("pyarrow").rows(named=True)
    named = {_row(row): row["cause"] for row in rows}
    judged = statetrail.verdicts(rec).rows()
    excused = {_row(row) for row in judged if row["reason"] is not None}
    for one in labels:
        undecided = not one.decided and (one.exchange, one.dialect, one.param) in excused
        if one.cause in CAUSES and not undecided:
            meant = CAUSES[one.cause]
            cause = named.get((one.exchange, one.dialect, one.param), NONE)
            result.causes[meant, cause] += 1
            if meant != cause:
                result.wrong_causes.append((one, cause))


def _row(row: dict[str, Any]) -> tuple[int, str, str]:
    exchange, dialect, param = (row[name] for name in _ROW)
    return exchange, dialect, param


def _hold(result: Confusion, one: Label, verdict: str, fault: bool) -> None:
    if not one.decided and verdict == "not-applicable" != one.verdict:
        result.undecided += 1
        return
    result.verdicts[one.verdict, verdict] += 1
    result.blamed += fault and not one.fault
    # A restart may be excused, and keeps its name.
    lenient = not one.decided and not fault
    if verdict != one.verdict or (fault != one.fault and not lenient):
        result.wrong.append((one, verdict))


def render(result: Confusion, console: Console) -> None:
    """Print the tables."""
    names = [*VERDICTS, *([NONE] if any(NONE in pair for pair in result.verdicts) else [])]
    table = Table("label", *names, "precision", "recall", title="Label (rows) by verdict")
    for meant in names:
        cells = [str(result.verdicts[meant, name] or "·") for name in names]
        table.add_row(meant, *cells, *(f"{score:.4f}" for score in result.score(meant)))
    console.print(table)
    table = Table("cause", "labelled", "right", "named instead", title="Root causes")
    for meant in dict.fromkeys(CAUSES.values()):
        of_cause = {name: n for (label_, name), n in result.causes.items() if label_ == meant}
        right = of_cause.pop(meant, 0)
        others = ", ".join(f"{n} {name}" for name, n in sorted(of_cause.items()))
        table.add_row(meant, str(right + sum(of_cause.values())), str(right), others or "·")
    console.print(table)
    console.print(f"innocents blamed: {result.blamed}")
    console.print(
        f"undecided, as no session is named or there was no connection yet: {result.undecided}"
    )
    console.print(f"verdicts that differ from their label: {len(result.wrong)}")
    console.print(
        f"root causes named rightly: {result.share_of_causes:.2%} of {result.causes.total()}"
    )
    for one, verdict in result.wrong[:10]:
        console.print(f"  {one} was judged {verdict}")


def main() -> int:
    """Simulate, import, compare, print."""
    parser = argparse.ArgumentParser(prog="studies.labelled.confusion", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--exchanges", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rec, labels = record(Path(folder), options.seed, options.clients, options.exchanges)
        result = compare(rec, labels)
        compare_causes(rec, labels, result)
    console = Console(width=200)
    console.print(f"{options.clients} clients, {options.exchanges} exchanges, seed {options.seed}")
    render(result, console)
    return 0 if result.sound else 1


if __name__ == "__main__":
    sys.exit(main())
