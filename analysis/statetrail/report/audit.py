"""The audit: everything a report says, computed once, in the form of your choice.

Enters: a `Recording`, or an `audit.json` that was written before. Leaves: an `Audit`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import altair as alt
import msgspec
import pandas as pd

from statetrail.errors import UsageError
from statetrail.recording.frames import Recording
from statetrail.report.charts import expiry as expiry_plots
from statetrail.report.charts import plots
from statetrail.report.comparison import compare
from statetrail.report.document import SCHEMA_VERSION, Baseline, Document
from statetrail.report.render.csv import render_csv
from statetrail.report.render.html import render_compact, render_html
from statetrail.report.render.junit import render_junit
from statetrail.report.render.markdown import render_markdown
from statetrail.report.sections.document import gather
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.rule import SEVERITIES, Severity
from statetrail.rules.suppression import Entry

LARGE_JSON: Final = 1 << 20
"""Bytes of JSON from which on it is not indented all through."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of one recording. Make it with `audit`; read an old one with `from_json`.

    Attributes
    ----------
    document
        All that the reports say, as plain data in the shape of `audit.json`.
    """

    document: Document

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """An audit from its `audit.json`.

        Raises
        ------
        UsageError
            It is no `audit.json` of this version.
        """
        try:
            return cls(msgspec.json.decode(text, type=Document))
        except (msgspec.DecodeError, UnicodeError) as error:
            raise UsageError(
                f"this is no audit.json of version {SCHEMA_VERSION}: {error}"
            ) from None

    @property
    def findings(self) -> pd.DataFrame:
        """The findings, the gravest first."""
        return _frame(self.document.findings)

    @property
    def clients(self) -> pd.DataFrame:
        """The clients, the least compliant first."""
        return _frame(self.document.clients)

    @property
    def parameters(self) -> pd.DataFrame:
        """The state parameters: how each is issued, how it changes, who obeys."""
        return _frame(self.document.parameters)

    @property
    def tokens_summary(self) -> pd.DataFrame:
        """The values of each parameter taken together."""
        return _frame(self.document.tokens_summary)

    @property
    def expiry(self) -> pd.DataFrame:
        """How long the values of each parameter live."""
        return _frame(self.document.expiry)

    @property
    def rotations(self) -> pd.DataFrame:
        """The rotations by time, capped (`document.rotations_total` counts all)."""
        return _frame(self.document.rotations)

    @property
    def sessions(self) -> pd.DataFrame:
        """The sessions of each parameter taken together, with what lost ones cost."""
        return _frame(self.document.sessions)

    @property
    def root_causes(self) -> pd.DataFrame:
        """Why state was ignored, capped (`document.root_causes_total` counts all)."""
        return _frame(self.document.root_causes)

    def failing(self, severity: Severity) -> int:
        """How many findings are at least as grave as `severity`; with a baseline, new ones."""
        if severity not in SEVERITIES:
            raise UsageError(f"unknown severity {severity!r}: choose from {', '.join(SEVERITIES)}")
        grave = SEVERITIES[SEVERITIES.index(severity) :]
        found, known = self.document.findings, self.document.baseline
        if known is not None:
            new = frozenset(known.new)
            found = tuple(finding for finding in found if finding.id in new)
        return sum(finding.severity in grave for finding in found)

    def to_json(self) -> str:
        """`audit.json`: the whole document; its JSON Schema is `audit.schema.json`.

        A large one has each element of a list in a line of its own: a third smaller than indented
        text, and still to be read, searched and compared line by line.
        """
        return _laid_out(msgspec.json.encode(self.document))

    def to_html(self) -> str:
        """The report as one HTML page that needs no network; its one script sorts tables."""
        return render_html(self.document)

    def to_markdown(self) -> str:
        """The report's essence, for a comment on a pull request."""
        return render_markdown(self.document)

    def to_junit(self) -> str:
        """One test case a rule and client, for a CI job."""
        return render_junit(self.document)

    def to_csv(self) -> str:
        """The findings as CSV for a spreadsheet, in which no cell is a formula."""
        return render_csv(self.document)

    def plot_timeline(self, client: str | None = None) -> alt.LayerChart:
        """When each value lived and was replaced: of one client, or of those that change most."""
        return plots.timeline(self.document, client)

    def plot_gaps(self) -> alt.LayerChart:
        """The idle gaps that values survived or did not, with the interval of the timeout."""
        return plots.gaps(self.document)

    def plot_survival(self) -> alt.LayerChart:
        """Which share of the clients have a limit beyond a span, with band and censoring marks."""
        return expiry_plots.survival(self.document)

    def plot_likelihood(self, param: str | None = None) -> alt.LayerChart:
        """How well each model of a server explains the ends of tokens, the best one first."""
        return expiry_plots.likelihood(self.document, param)

    def write_html(self, path: Path | str) -> None:
        """Write `to_html` to a file."""
        _write(path, self.to_html())

    def write_json(self, path: Path | str) -> None:
        """Write `to_json` to a file."""
        _write(path, self.to_json())

    def write_markdown(self, path: Path | str) -> None:
        """Write `to_markdown` to a file."""
        _write(path, self.to_markdown())

    def write_csv(self, path: Path | str) -> None:
        """Write `to_csv` to a file."""
        _write(path, self.to_csv())

    def write_junit(self, path: Path | str) -> None:
        """Write `to_junit` to a file."""
        _write(path, self.to_junit())

    def __repr__(self) -> str:
        found = len(self.document.findings)
        return f"<Audit of {self.document.capture.exchanges} exchanges: {found} findings>"

    def _repr_html_(self) -> str:
        return render_compact(self.document)


def audit(
    rec: Recording,
    *,
    created: datetime | None = None,
    profile: Profile = DEFAULT,
    suppressions: Sequence[Entry] = (),
    baseline: Document | None = None,
    progress: Callable[[str], object] = lambda step: None,
) -> Audit:
    """Audit a recording.

    Parameters
    ----------
    rec
        The recording.
    created
        The creation time that the reports state; now by default. All else is decided by the
        recording, so that two audits of it differ in nothing but this.
    profile
        The thresholds that some rules hold the recording to.
    suppressions
        Findings to leave out, each with its reason and its last day.
    baseline
        An earlier audit: the reports say what is new since, and `failing` counts that alone.
    progress
        Told in words what is being computed, for whoever waits.
    """
    at = (created or datetime.now(UTC)).astimezone(UTC)
    document = gather(rec, at, profile=profile, suppressions=suppressions, progress=progress)
    if baseline is not None:
        told = compare(baseline, document)
        document = msgspec.structs.replace(
            document,
            baseline=Baseline(
                created=baseline.created,
                new=tuple(finding.id for finding in told.new),
                unchanged=len(told.unchanged),
                fixed=told.fixed,
                left_out=len(told.left_out),
                settings=told.settings,
            ),
        )
    return Audit(document)


def _laid_out(encoded: bytes) -> str:
    if len(encoded) < LARGE_JSON:
        return msgspec.json.format(encoded, indent=2).decode() + "\n"
    lines = []
    for name, raw in msgspec.json.decode(encoded, type=dict[str, msgspec.Raw]).items():
        told = bytes(raw).decode()
        if told.startswith("[{"):
            each = msgspec.json.decode(raw, type=list[msgspec.Raw])
            told = "[\n    " + ",\n    ".join(bytes(one).decode() for one in each) + "\n  ]"
        lines.append(f'  "{name}": {told}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _frame(parts: Iterable[msgspec.Struct]) -> pd.DataFrame:
    rows = [{name: getattr(part, name) for name in part.__struct_fields__} for part in parts]
    return pd.DataFrame(rows).rename(columns={"from_": "from"})


def _write(path: Path | str, text: str) -> None:
    Path(path).write_text(text, "utf-8", newline="\n")
