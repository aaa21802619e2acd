"""The whole audit: the document that `audit.json` holds, and its JSON Schema.

Enters: the sections. Leaves: `Document`, `gather`, `SCHEMA_VERSION`, `json_schema`. Within a
version fields are only added; one that is removed or changes its meaning makes a new version.

Times are UTC: datetimes here, ISO 8601 strings in the JSON. Values of parameters appear as
pseudonyms (``~1a2b3c4d``), or in clear where the recording holds them in clear.
"""

from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import Meta

from statetrail.analyses.analysis import AUDITED
from statetrail.analyses.columnar.passes import prepare
from statetrail.errors import UsageError, unknown
from statetrail.report.section import Flattened, Gathering, Section, meaning
from statetrail.report.sections.answers import AnswersSection
from statetrail.report.sections.appendix.breakdown import BreakdownSection
from statetrail.report.sections.appendix.checks import ChecksSection
from statetrail.report.sections.appendix.environment import EnvironmentSection
from statetrail.report.sections.appendix.timelines import TimelinesSection
from statetrail.report.sections.causes import CausesSection
from statetrail.report.sections.clients import ClientsSection
from statetrail.report.sections.credentials import CredentialsSection
from statetrail.report.sections.expiry import ExpirySection
from statetrail.report.sections.families import FamiliesSection
from statetrail.report.sections.findings import Finding, FindingsSection
from statetrail.report.sections.heatmap import HeatmapSection
from statetrail.report.sections.method import MethodSection
from statetrail.report.sections.parameters import ParametersSection
from statetrail.report.sections.quality import QualitySection
from statetrail.report.sections.rotations import RotationsSection
from statetrail.report.sections.sessions import SessionsSection
from statetrail.report.sections.summary import SummarySection
from statetrail.rules.rule import SEVERITIES, Severity

SCHEMA_VERSION: Final = 3
SCHEMA_ID: Final = "urn:statetrail:audit:3"
CHANGES: Final = (
    "An audit by statetrail. Added within version 3: `periods`, `endpoints` and `versions` "
    "(compliance by time, endpoint and client version), `timelines`, `environment`, and of a rule "
    "`count` and `of`. Changes since version 2: a finding may name several rules, the most "
    "severe in `rule` and the others in `also`, where version 2 had a finding for each; findings "
    "have `of`, `faults` and `sessions`; `overall` and `actions` are new; `tone` may be `fair` "
    "and follows the share of faults. Changes since version 1: `at` of a source is `started`; "
    "`ended` of a lost session is `end`; the cause `every-request` is `per-request`; `span` of a "
    "survival curve is `idle` or `age`; the models of likelihoods have the names of their "
    "policies and terms; the rule `wrong-channel` is `misplaced-value`; the keys are in the order "
    "of the report's sections."
)
"""What a reader of the version before has to know; part of the JSON Schema."""


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """The program that made the document."""

    name: str
    version: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was analysed, and with which options."""

    stores: Annotated[tuple[str, ...], meaning("File names without their folders")]
    client_by: Annotated[tuple[str, ...], meaning("The attributes by which clients are identified")]
    grace_ms: Annotated[
        float, meaning("How long after a response a client may still use older state")
    ]
    dialects: tuple[str, ...]
    profile: Annotated[str, meaning("The profile of thresholds that rules used")] = ""


class Document(
    SummarySection,
    AnswersSection,
    FindingsSection,
    ClientsSection,
    HeatmapSection,
    BreakdownSection,
    CausesSection,
    ExpirySection,
    RotationsSection,
    SessionsSection,
    TimelinesSection,
    FamiliesSection,
    ParametersSection,
    CredentialsSection,
    ChecksSection,
    QualitySection,
    EnvironmentSection,
    MethodSection,
    frozen=True,
    kw_only=True,
    metaclass=Flattened,
):
    """A whole audit, as `audit.json` holds it. Its bases are the sections, in their order."""

    sections: ClassVar[tuple[type[Section], ...]]

    schema_version: Literal[3]
    created: Annotated[
        datetime, Meta(tz=True, description="The only difference between two audits of one store")
    ]
    generator: Generator
    settings: Settings

    def section[S: Section](self, kind: type[S]) -> S:
        """One section of the document."""
        return kind(**{name: getattr(self, name) for name in kind.__struct_fields__})

    def failing(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of this severity or a higher one; with a baseline, new ones only.

        Raises
        ------
        UsageError
            There is no such severity.
        """
        if severity not in SEVERITIES:
            raise UsageError(unknown("severity", severity, SEVERITIES))
        failing = SEVERITIES[SEVERITIES.index(severity) :]
        new = None if self.baseline is None else frozenset(self.baseline.new)
        return tuple(
            finding
            for finding in self.findings
            if finding.severity in failing and (new is None or finding.id in new)
        )


def gather(gathering: Gathering) -> Document:
    """The document of a recording: every section gathered once."""
    rec = gathering.recording
    gathering.progress("judging")
    prepare(rec, AUDITED)
    sections = [gathering.section(kind) for kind in Document.sections]
    return Document(
        schema_version=SCHEMA_VERSION,
        created=gathering.created,
        generator=Generator(name="statetrail", version=version("statetrail")),
        settings=Settings(
            stores=tuple(path.name for path in rec.paths),
            client_by=rec.client_by,
            grace_ms=rec.grace_us / 1000,
            dialects=tuple(dialect.name for dialect in rec.dialects),
            profile=gathering.profile.name,
        ),
        **{name: getattr(one, name) for one in sections for name in one.__struct_fields__},
    )


def decode(text: str | bytes, name: str) -> Document:
    """A document from its JSON; `name` is what errors call it.

    Raises
    ------
    UsageError
        It is no `audit.json`, or one of another version.
    """
    try:
        return msgspec.json.decode(text, type=Document)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        if (other := _version(text)) not in (None, SCHEMA_VERSION):
            raise UsageError(
                f"{name} is an audit.json of version {other}, and this program reads version "
                f"{SCHEMA_VERSION}: audit the recording again (statetrail audit STORE --json FILE)"
            ) from None
        raise UsageError(f"{name} is no audit.json of version {SCHEMA_VERSION}: {error}") from None


class _Version(msgspec.Struct):
    schema_version: int


def _version(text: str | bytes) -> int | None:
    try:
        return msgspec.json.decode(text, type=_Version).schema_version
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `audit.json`."""
    schema = msgspec.json.schema(Document)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "statetrail audit",
        "description": CHANGES,
        **schema,
    }
