"""The audit: all that the reports show, computed once, in every format.

Enters: a `Recording`, or an `audit.json` that was written before. Leaves: an `Audit`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Self

import msgspec

from statetrail.analyses.tallies.bounds import bounded
from statetrail.recording.frames import Recording
from statetrail.report.charts import expiry, gaps, timeline
from statetrail.report.charts.svg import Picture
from statetrail.report.comparison import changes_since, client_key, read_audit
from statetrail.report.document import Document, decode, gather
from statetrail.report.render.csv import render_csv
from statetrail.report.render.html import render_compact, render_html
from statetrail.report.render.json import json_pieces, render_json
from statetrail.report.render.junit import render_junit
from statetrail.report.render.markdown import render_markdown
from statetrail.report.render.sarif import render_sarif
from statetrail.report.section import Gathering
from statetrail.rules.profiles import DEFAULT, Profile, load_profile
from statetrail.rules.rule import Severity
from statetrail.rules.suppression import Entry, load_suppressions

if TYPE_CHECKING:
    import pandas as pd


class _Rows:
    """A list of the document as a frame."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, audit: "Audit", owner: type) -> "pd.DataFrame":
        import pandas as pd  # a report needs no frame

        structs = getattr(audit.document, self.name)
        rows = [{name: getattr(one, name) for name in one.__struct_fields__} for one in structs]
        return pd.DataFrame(rows).rename(columns={"from_": "from"})


def _to_file[**P](
    render: "Callable[Concatenate[Audit, P], str]",
) -> "Callable[Concatenate[Audit, Path | str, P], None]":
    def write(audit: "Audit", path: Path | str, /, *args: P.args, **kwargs: P.kwargs) -> None:
        Path(path).write_text(render(audit, *args, **kwargs), "utf-8", newline="\n")

    write.__doc__ = f"Write `{render.__name__}` to a file."
    return write


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of one recording. Make it with `audit`; read an old one with `from_json`.

    Attributes
    ----------
    document
        All that the reports show, as plain data in the shape of `audit.json`.
    """

    document: Document

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """An audit from its `audit.json`.

        Raises
        ------
        UsageError
            It is no `audit.json`, or one of another version.
        """
        return cls(decode(text, "this"))

    findings = _Rows()
    """The findings, most severe first."""
    clients = _Rows()
    """The clients, least compliant first."""
    parameters = _Rows()
    """The state parameters: how each is issued, how it changes, who obeys."""
    tokens_summary = _Rows()
    """The values of each parameter taken together."""
    expiry = _Rows()
    """How long the values of each parameter live."""
    rotations = _Rows()
    """The rotations by time, capped (`document.rotations_total` and `first_values` count all)."""
    sessions = _Rows()
    """The sessions of each parameter taken together, with the cost of lost ones."""
    root_causes = _Rows()
    """Why state was ignored, capped (`document.root_causes_total` counts all)."""

    def failing(self, severity: Severity) -> int:
        """How many findings have this severity or a higher one; with a baseline, new ones only."""
        return len(self.document.failing(severity))

    def to_json(self) -> str:
        """`audit.json`: the whole document; its JSON Schema is `audit.schema.json`."""
        return render_json(self.document)

    def to_html(self) -> str:
        """The report as one HTML page that needs no network; its one script sorts tables."""
        return render_html(self.document)

    def to_markdown(self) -> str:
        """The report in short, for a comment on a pull request."""
        return render_markdown(self.document)

    def to_junit(self, fail_on: Severity | None = None) -> str:
        """One test case for each rule and client, for a CI job.

        Those with a finding that `failing` counts for the severity `fail_on` fail; others with
        findings are skipped. Without a severity none fails.
        """
        return render_junit(self.document, fail_on)

    def to_csv(self) -> str:
        """The findings as CSV for a spreadsheet, in which no cell is a formula."""
        return render_csv(self.document)

    def plot_timeline(self, client: str | None = None) -> Picture:
        """When each value was seen and replaced: of one client, or of those that change most."""
        return timeline.timeline(self.document, client)

    def plot_gaps(self) -> Picture:
        """The idle gaps that values survived or did not, with the interval of the timeout."""
        return gaps.gaps(self.document)

    def plot_survival(self) -> Picture:
        """The share of clients whose limit is longer than a span, with band and censoring marks."""
        return expiry.survival(self.document)

    def plot_likelihood(self, param: str | None = None) -> Picture:
        """How well each model of a server explains the ends of tokens, best first."""
        return expiry.likelihood(self.document, param)

    def to_sarif(self, at: str) -> str:
        """SARIF 2.1.0 for code scanning; results are shown at this file of the repository."""
        return render_sarif(self.document, at)

    write_html = _to_file(to_html)

    def write_json(self, path: Path | str) -> None:
        """Write `audit.json` to a file, in pieces."""
        with Path(path).open("wb") as file:
            file.writelines(json_pieces(self.document))

    write_markdown = _to_file(to_markdown)
    write_csv = _to_file(to_csv)
    write_junit = _to_file(to_junit)
    write_sarif = _to_file(to_sarif)

    def __repr__(self) -> str:
        findings = len(self.document.findings)
        return f"<Audit of {self.document.capture.exchanges} exchanges: {findings} findings>"

    def _repr_html_(self) -> str:
        return render_compact(self.document)


def audit(
    rec: Recording,
    *,
    created: datetime | None = None,
    profile: Profile | Path | str = DEFAULT,
    suppressions: Sequence[Entry] | Path | str = (),
    baseline: Document | Audit | Path | str | None = None,
    client_pattern: str | None = None,
    progress: Callable[[str], object] = lambda step: None,
) -> Audit:
    """Audit a recording, within the bounds of a report (`statetrail.analyses.tallies.bounds`).

    Parameters
    ----------
    rec
        The recording.
    created
        The creation time that the reports state; now by default. All else depends on the recording
        alone: two audits of it differ only in this.
    profile
        The thresholds of some rules: a profile, the name of one, or a TOML file.
    suppressions
        Findings to suppress, each with a reason and an expiry date; or the TOML file of them.
    baseline
        An earlier audit, or its `audit.json`: the reports say what is new since, and `failing`
        counts new findings only.
    client_pattern
        What clients of the baseline are matched by (`statetrail.report.comparison.client_key`).
    progress
        Called with the name of each step, to show progress.

    Raises
    ------
    UsageError
        A file is missing or is not what it should be, or the pattern is none.
    """
    client_key(client_pattern)
    if not isinstance(profile, Profile):
        profile = load_profile(profile)
    if isinstance(suppressions, (str, Path)):
        suppressions = load_suppressions(suppressions)
    if isinstance(baseline, (str, Path)):
        baseline = read_audit(baseline)
    elif isinstance(baseline, Audit):
        baseline = baseline.document
    document = gather(
        Gathering(
            recording=bounded(rec.on_driver()),
            created=(created or datetime.now(UTC)).astimezone(UTC),
            profile=profile,
            suppressions=suppressions,
            progress=progress,
        )
    )
    if baseline is not None:
        document = msgspec.structs.replace(
            document, baseline=changes_since(baseline, document, client_pattern)
        )
    return Audit(document)
