"""`statetrail dialect try`: what one dialect sees in captures."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, cast

from statetrail.cli.options import argument
from statetrail.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from statetrail.cli.output.terminal import Terminal
    from statetrail.dialects.model import Dialect
    from statetrail.dialects.place import Conditional, IssuePlace, PresentPlace
    from statetrail.recording.frames import Recording

EXTRA = "analysis"
EXAMPLES = """[b]Examples[/b]

statetrail dialect try acme.toml traffic.har

statetrail dialect try woocommerce monday.flows tuesday.har.gz"""

ROWS: Final = 60
"""Places that are shown."""


class Row(NamedTuple):
    """What was found in a place: of how many texts, how many values, how many are malformed."""

    param: str
    does: str
    place: str
    found: int = 0
    values: int = 0
    malformed: int = 0


def command(
    name: Annotated[str, argument("NAME", "A TOML file of your own, or a built-in dialect.")],
    captures: Annotated[
        list[Path],
        argument("CAPTURE", "Captures that `statetrail import` reads."),
    ],
) -> None:
    """Try a dialect on captures: what is issued and presented in each place, and the verdicts.

    The captures are read with this dialect alone. Nothing is kept, and no value is shown.
    """
    import statetrail
    from statetrail.cli.output.terminal import busy, say, stdout
    from statetrail.dialects import select
    from statetrail.extract.extractor import ExtractorConfig
    from statetrail.ingest.captures import captures_in
    from statetrail.ingest.importer import import_files
    from statetrail.recording.frames import open_recording
    from statetrail.recording.scratch import Scratch
    from statetrail.store.sqlite import SqliteStore

    dialect, *others = select(name)
    if others:
        raise UsageError("only one dialect can be tried at a time: name one")
    for path in captures:
        captures_in(path)
    scratch = Scratch()
    store = scratch.folder / "try.sqlite"
    with busy("reading"):
        with SqliteStore.create_or_open(store, keep_key=False) as opened:
            imports = import_files(
                captures, opened, ExtractorConfig((dialect,), opened.fingerprinter)
            )
        rec = open_recording(store, dialects=[dialect])
        verdicts = statetrail.verdicts(rec).to_arrow().select(["param", "verdict", "fault"])
    for one in imports:
        if one.problem:
            say(f"{one.path}: {one.problem}")
    _show(rec, dialect, verdicts, stdout())


def _show(rec: "Recording", dialect: "Dialect", verdicts: "pa.Table", console: "Terminal") -> None:
    import pyarrow.compute as pc

    cells = rec.exchanges.to_arrow().column("dialects")
    in_scope = pc.sum(pc.equal(cells, dialect.name)).as_py() or 0
    console.write(f"{dialect.name}: {in_scope:,} of {len(cells):,} requests in scope")
    rows = list(_rows(rec, dialect))
    columns = ("param", "is", "in", "times", "values", "malformed")
    console.write_rows(None, columns, rows, _cells, most=ROWS, right=columns[3:])
    counts = Counter(zip(*(column.to_pylist() for column in verdicts.columns), strict=True))
    found = [(param, verdict, fault, n) for (param, verdict, fault), n in sorted(counts.items())]
    if not found:
        console.write("no verdict: nothing that was issued is presented, or owed")
        return
    console.write_rows(
        None,
        ("param", "verdict", "fault", "requests"),
        found,
        lambda row: (row[0], row[1], "yes" if row[2] else "", f"{row[3]:,}"),
        most=ROWS,
        right=("requests",),
    )


def _cells(row: Row) -> tuple[str, ...]:
    counts = [f"{count:,}" for count in (row.found, row.values)]
    return (row.param, row.does, row.place, *counts, f"{row.malformed:,}" if row.malformed else "")


def _rows(rec: "Recording", dialect: "Dialect") -> Iterator[Row]:
    """What was found, by parameter and channel, with the declared places of that channel."""
    import pyarrow.compute as pc

    # Beside values, `presented` has what asks for a new one, ends one, or says which one is due.
    presented = rec.presented.to_arrow()
    presented = presented.filter(pc.equal(presented["kind"], "value"))
    seen = {
        "issued": _counts(rec.issued.to_arrow(), "problem"),
        "presented": _counts(presented, None),
    }
    names = dict.fromkeys(param.name for param in dialect.params)
    names |= dict.fromkeys(param for each in seen.values() for param, _ in each)
    for param in names:
        for does, places in (
            ("issued", dialect.issued_at(param)),
            ("presented", dialect.presented_at(param)),
        ):
            for channel, phrases in _phrases(param, places).items():
                counts = seen[does].get((param, channel), (0, 0, 0))
                yield Row(param, does, "; ".join(phrases), *counts)


def _phrases(
    param: str, places: "Sequence[IssuePlace] | Sequence[PresentPlace]"
) -> dict[str, list[str]]:
    """The places in plain words, by channel."""
    phrases: dict[str, list[str]] = {}
    for place in places:
        said = cast("Conditional", place).phrase_for(param)
        phrases.setdefault(place.channel, []).append(said)
    return phrases


def _counts(table: "pa.Table", problem: str | None) -> dict[tuple[str, str], tuple[int, int, int]]:
    """How many facts, different values and problems there are, by parameter and channel."""
    keys = ["param", "channel"]
    sums = [("exchange_id", "count"), ("fingerprint", "count_distinct")]
    if problem is not None:
        sums.append((problem, "count"))
    rows = table.group_by(keys).aggregate(sums).to_pylist()
    return {
        (row["param"], row["channel"]): (
            row["exchange_id_count"],
            row["fingerprint_count_distinct"],
            row[f"{problem}_count"] if problem else 0,
        )
        for row in rows
    }
