"""`statetrail demo`: real origins, a real mitmdump, clients of every kind, and their audit.

Enters: a folder. Leaves: ``recording.sqlite``, ``audit.html`` and ``audit.json`` in it, a summary
on the console, and whether the audit equals the clients' own account.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from statetrail.demo.check import differences
from statetrail.demo.clients import BEHAVIOURS, Truth
from statetrail.demo.clients.programs import missing_programs
from statetrail.demo.folder import Folder
from statetrail.demo.summary import show_differences, show_summary
from statetrail.demo.traffic import drive
from statetrail.errors import StatetrailError, UsageError
from statetrail.recording.frames import open_recording
from statetrail.report.audit import audit


def run_demo(
    out: Path | str,
    seconds: float | None = None,
    console: Console | None = None,
    *,
    private: Path | None = None,
) -> int:
    """Run the demo and audit it.

    Parameters
    ----------
    out
        The output folder; created if missing. Files of an earlier demo in it are replaced.
    seconds
        Minimum duration of the traffic: clients begin new rounds until then. By default each acts
        once, which takes about half a minute.
    console
        Where to print; standard output by default. Progress is shown on terminals only.
    private
        A folder for files that must not be published, which is kept: mitmdump's log, and
        ``secrets.txt`` with every secret that was issued or sent. By default a temporary folder.

    Returns
    -------
    int
        0, or 1 if the audit differs from the truth; the files are left either way.

    Raises
    ------
    UsageError
        The folder or the duration is invalid.
    StatetrailError
        A part of the demo did not start or failed.
    """
    if seconds is not None and not 0 <= seconds <= 86_400:
        raise UsageError(f"a demo of {seconds} seconds makes no sense: 0 to 86400")
    console = console or Console()
    folder = Folder(Path(out))
    private_folder = private or Path(tempfile.mkdtemp(prefix="statetrail-demo-"))
    try:
        truths = _traffic(folder, private_folder, seconds or 0.0, console)
        return _conclude(folder, truths, console)
    finally:
        folder.close()
        if private is None:
            shutil.rmtree(private_folder, ignore_errors=True)


def _traffic(folder: Folder, private: Path, seconds: float, console: Console) -> dict[str, Truth]:
    missing = missing_programs()
    # The other programs first: they take longest to start.
    behaviours = sorted(
        (entry for entry in BEHAVIOURS.values() if entry.name not in missing),
        key=lambda entry: entry.needs is None,
    )
    for name, program in missing.items():
        console.print(f"{program} is not on PATH: the demo runs without the client {name}")
    console.print(
        f"{len(behaviours)} clients, two origins and a recording mitmdump, all on this machine …"
    )
    with _progress(console, len(behaviours)) as step:
        try:
            return asyncio.run(drive(behaviours, folder.store, private, seconds, step))
        except asyncio.CancelledError:
            raise StatetrailError("the demo was stopped") from None


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar of the clients that have finished, on a terminal; yields its step."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("clients at work", total=total)
        yield lambda name: bar.update(task, advance=1, description=f"{name} has finished")


def _conclude(folder: Folder, truths: dict[str, Truth], console: Console) -> int:
    """Audit the recording, publish the files, print the summary, check the audit."""
    folder.fold()
    rec = open_recording(folder.store)
    result = audit(rec)
    result.write_html(folder.stage / "audit.html")
    result.write_json(folder.stage / "audit.json")
    mismatches = differences(rec, truths)
    show_summary(rec, truths, console)
    for path in folder.publish():
        console.print(f"wrote {path}", soft_wrap=True, highlight=False)
    if mismatches:
        show_differences(mismatches, console)
        return 1
    console.print(
        f"The audit equals the account of all {len(truths)} clients.",
        style="green",
        highlight=False,
    )
    return 0
