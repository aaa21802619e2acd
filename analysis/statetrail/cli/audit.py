"""`statetrail audit`: analyse stores and report."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from statetrail.cli import options
from statetrail.cli.options import option
from statetrail.errors import StoreError

if TYPE_CHECKING:
    from statetrail.recording.frames import Recording

EXTRA = "report"
EXAMPLES = """[b]Examples[/b]

statetrail audit shop.sqlite --html audit.html --json audit.json

statetrail audit monday.sqlite tuesday.sqlite --client-by user-agent

statetrail audit nightly.sqlite --junit audit.xml --fail-on medium

statetrail audit nightly.sqlite --sarif audit.sarif --sarif-at tests/test_shop.py

statetrail audit weeks/ --engine spark --spark-master spark://master:7077 --html audit.html

statetrail audit nightly.sqlite --baseline last.json --suppress accepted.toml --profile owasp-low"""


def command(
    stores: options.Stores,
    html: Annotated[Path | None, option("--html FILE", "Write the report as a web page.")] = None,
    json: Annotated[Path | None, option("--json FILE", "Write audit.json.")] = None,
    md: Annotated[Path | None, option("--md FILE", "Write the report as Markdown.")] = None,
    junit: Annotated[
        Path | None,
        option("--junit FILE", "Write JUnit XML for a CI job; cases fail as --fail-on says."),
    ] = None,
    csv: Annotated[Path | None, option("--csv FILE", "Write the findings as CSV.")] = None,
    sarif: Annotated[
        Path | None, option("--sarif FILE", "Write SARIF 2.1.0 for code scanning.")
    ] = None,
    sarif_at: Annotated[
        str,
        option(
            "--sarif-at PATH",
            "File of the repository at which SARIF results are shown: a dialect, a test.",
        ),
    ] = "README.md",
    client_by: options.ClientBy = None,
    grace: options.Grace = options.DEFAULT_GRACE,
    fail_on: Annotated[
        options.Severity | None,
        option("--fail-on", "Exit with 1 if a finding has this severity or higher."),
    ] = None,
    profile: options.ProfileName = "nist-aal2",
    suppress: options.Suppress = None,
    baseline: Annotated[
        Path | None,
        option(
            "--baseline FILE",
            "An earlier audit.json: mark the findings that are new since, and let --fail-on "
            "count only those.",
        ),
    ] = None,
    client_pattern: options.ClientPattern = None,
    dialects: options.Dialects = "all",
    engine: options.Engine = None,
    spark_master: options.SparkMaster = None,
    memory: options.MemorySize = None,
    threads: options.Threads = None,
) -> None:
    """Analyse one or many stores: which clients comply, what rotates, how long values live.

    Prints a summary and writes the reports that the options name. Stores are only read.
    """
    from statetrail.cli.output.files import check_outputs, write_file

    outputs = (html, json, md, junit, csv, sarif)
    check_outputs(outputs, [*stores, *(path for path in (suppress, baseline) if path is not None)])

    from statetrail.cli.output.terminal import busy, stdout

    with busy("analysing") as progress:
        _prepare_arrow(engine)
        rec = options.open_stores(
            *(stores, client_by, grace, dialects),
            engine=engine,
            spark_master=spark_master,
            memory=memory,
            threads=threads,
        )
        _check_matches(rec, ", ".join(str(path) for path in stores))

        from statetrail.cli.output.summary import show_summary
        from statetrail.report.audit import audit
        from statetrail.report.comparison import read_audit
        from statetrail.report.render.json import json_pieces

        previous = read_audit(baseline) if baseline is not None else None
        limits, entries = options.load_criteria(profile, suppress)
        result = audit(
            rec,
            profile=limits,
            suppressions=entries,
            baseline=previous,
            client_pattern=client_pattern,
            progress=progress,
        )
        renders: tuple[Callable[[], str | Iterator[bytes]], ...] = (
            result.to_html,
            partial(json_pieces, result.document),
            result.to_markdown,
            *(partial(result.to_junit, fail_on), result.to_csv),
            partial(result.to_sarif, sarif_at),
        )
        for path, render in zip(outputs, renders, strict=True):
            if path is not None:
                progress(f"writing {path}")
                write_file(path, render())
    console = stdout()
    show_summary(result, console)
    for path in outputs:
        if path is not None:
            console.write(f"wrote {path}")
    options.fail_on_findings(fail_on, result.failing, "finding")


class _NoPandas(MetaPathFinder):
    """Finds no pandas."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(name=fullname)


def _prepare_arrow(engine: str | None) -> None:
    """Let Arrow give back the memory that it no longer needs, and take pandas for missing.

    Its own allocator keeps a third more; what no caller gives one takes that which the environment
    names as Arrow is loaded. Arrow imports pandas, for longer than a small audit takes, to see
    whether a list is a frame of it; it looks for it once.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    if engine != "pandas" and "pandas" not in sys.modules:
        finder = _NoPandas()
        sys.meta_path.insert(0, finder)
        try:
            pa.array([])
        finally:
            sys.meta_path.remove(finder)


def _check_matches(rec: "Recording", names: str) -> None:
    """Raise `StoreError` if there is no exchange that a dialect matches."""
    from statetrail.recording.engines import distinct

    cells = distinct(rec.exchanges.lazy, "dialects")
    if not cells:
        raise StoreError(
            f"{names} holds no exchange: record or import some first", page="quickstart"
        )
    known = {dialect.name for dialect in rec.dialects}
    if not any(known.intersection(cell.split(",")) for cell in cells):
        raise StoreError(
            f"no exchange in {names} matches a dialect ({', '.join(sorted(known))}): nothing "
            "matched; try `statetrail suggest` on the HAR or flow file that it comes from",
            page="suggest",
        )
