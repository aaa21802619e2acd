"""`statetrail suggest`: from captures to the TOML of a dialect.

Enters: capture files. Leaves: a `Suggestion`. Each file is read twice, one exchange at a time;
what is kept between are hashes, names and counts, in memory alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from statetrail.ingest.captures import captures_in
from statetrail.ingest.importer import Progress
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.unseen import Credentials
from statetrail.ingest.whole import WholeExchange, read_whole
from statetrail.suggest.exclusion import exclusion
from statetrail.suggest.issues import Issues
from statetrail.suggest.pairs import pairs
from statetrail.suggest.proposals import Proposal, proposals
from statetrail.suggest.uses import Uses


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What captures suggest.

    Attributes
    ----------
    proposals
        The parameters, those with most uses first.
    hidden
        Pairs of places that are left out, since a name of theirs may hold a secret.
    exchanges, clients
        What was read.
    sanitised
        HAR files without any cookie and credential: a browser's export leaves them out.
    problems
        Files of which something was lost, with a sentence each.
    """

    proposals: list[Proposal]
    hidden: int
    exchanges: int
    clients: int
    sanitised: list[Path]
    problems: list[tuple[Path, str]]


def suggest(
    captures: Iterable[Path | str],
    progress: Progress | None = None,
    *,
    off: frozenset[str] = frozenset(),
) -> Suggestion:
    """What dialect the traffic of captures speaks, as far as values go back and forth.

    Parameters
    ----------
    captures
        Files of any format (`statetrail.ingest.formats`).
    progress
        Called as files are read; each is read twice.
    off
        Rules of `statetrail.suggest.exclusion` that do not count.

    Raises
    ------
    CaptureError
        A file cannot be opened or is no capture.
    """
    paths = [Path(path) for path in captures]
    for path in paths:
        captures_in(path)
    uses, sanitised, problems, exchanges = Uses(), [], [], 0
    for path in paths:
        report, watch = ReadReport(), Credentials()
        for whole in read_whole(path, report, progress, responses=False):
            exchanges += 1
            if whole.source is not None:
                watch.look(whole.exchange)
            uses.add(whole)
        if watch.is_sanitised():
            sanitised.append(path)
        if (problem := report.sentence()) is not None:
            problems.append((path, problem))
    issues = Issues(uses)
    for whole in _all(paths, progress):
        issues.add(whole)
    kept = [pair for pair in pairs(uses, issues) if exclusion(pair, issues, off) is None]
    found, hidden = proposals(kept, uses, issues)
    return Suggestion(found, hidden, exchanges, len(uses.clients), sanitised, problems)


def _all(paths: list[Path], progress: Progress | None) -> Iterator[WholeExchange]:
    for path in paths:
        yield from read_whole(path, ReadReport(), progress)
