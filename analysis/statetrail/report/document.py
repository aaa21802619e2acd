"""The shape of `audit.json`: frozen structs, from which its JSON Schema is made.

Enters: nothing. Leaves: `Document` and its parts, `SCHEMA_VERSION`, `json_schema`. A field is only
ever added within a version; one that goes or changes its meaning makes a new version. What is told
of parameters and their values stands here, the rest in `capture_parts`, `client_parts` and
`finding_parts`.

Times are UTC: datetimes here, ISO 8601 strings in the JSON. Values of parameters appear as
pseudonyms (``~1a2b3c4d``), or in clear where the recording holds them in clear.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from statetrail.report.sections.capture_parts import (
    Answer,
    Capture,
    Generator,
    Settings,
    Source,
    Statement,
)
from statetrail.report.sections.client_parts import (
    Client,
    Leak,
    Override,
    RootCause,
    Session,
    SessionSummary,
    Shared,
)
from statetrail.report.sections.finding_parts import (
    Baseline,
    EvidenceExchange,
    Finding,
    RuleChecked,
    Sighting,
    Suppression,
)
from statetrail.report.sections.kinds import Confidence, Counts, Time

__all__ = [
    "SCHEMA_ID",
    "SCHEMA_VERSION",
    "Answer",
    "Baseline",
    "Capture",
    "Client",
    "Confidence",
    "Counts",
    "Document",
    "EvidenceExchange",
    "Expiry",
    "Finding",
    "Gap",
    "Generator",
    "Leak",
    "Lifespan",
    "Override",
    "Parameter",
    "RootCause",
    "Rotation",
    "RuleChecked",
    "Session",
    "SessionSummary",
    "Settings",
    "Shared",
    "Sighting",
    "Source",
    "Statement",
    "Suppression",
    "Time",
    "TokenSummary",
    "json_schema",
]

SCHEMA_VERSION: Final = 2
SCHEMA_ID: Final = "urn:statetrail:audit:2"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """The life of one state parameter at one origin: how it is issued, and who obeys."""

    origin: str
    dialect: str
    param: str
    issues: Annotated[int, Meta(description="Well-formed issues")]
    presented: int
    values: Annotated[int, Meta(description="Different well-formed values")]
    changes: Annotated[int, Meta(description="Issues that replaced another value")]
    changes_by_cause: Counts
    usages: Counts
    priorities: Counts
    malformed: Annotated[Counts, Meta(description="Issues that are not well formed, by reason")]
    clear_values: Annotated[
        Counts, Meta(description="The commonest values, where the store has them in clear")
    ]
    clients_issued: Annotated[int, Meta(description="Clients that were issued a value")]
    clients_judged: Annotated[int, Meta(description="Clients with a verdict that counts")]
    clients_obeying: Annotated[int, Meta(description="Judged clients without any fault")]


class TokenSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one parameter at one origin, taken together."""

    origin: str
    dialect: str
    param: str
    values: int
    births_seen: Annotated[int, Meta(description="Values that were issued before their first use")]
    secret: Annotated[bool, Meta(description="The store holds no value in clear")]
    median_uses: float | None
    length_min: int | None
    length_max: int | None
    alphabet: Annotated[
        str | None, Meta(description="Character classes used; null: never seen issued")
    ]
    bits_upper_bound: Annotated[
        float | None,
        Meta(
            description="Shortest length × log2 of the alphabet's size: no value can be harder "
            "to guess than that, most are easier; null where values are in clear"
        ),
    ]
    ended: Annotated[Counts, Meta(description="How the values ended")] = {}
    uses_late: Annotated[
        int, Meta(description="Uses of a value when a newer one had to be known")
    ] = 0
    late_honoured: Annotated[int, Meta(description="Of them: accepted all the same")] = 0


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """How long the values of one parameter live at one origin."""

    origin: str
    dialect: str
    param: str
    policy: str
    low_s: Annotated[float | None, Meta(description="The limit that `policy` names is longer")]
    high_s: Annotated[float | None, Meta(description="That limit is at most this")]
    confidence: str
    survived: int
    ended: int
    censored: int
    excluded: Annotated[int, Meta(description="Uses that say nothing of a lifetime")]
    contradictions: int
    idle_low_s: float | None
    idle_high_s: float | None
    age_low_s: float | None
    age_high_s: float | None
    advice: str
    declared_low_s: Annotated[
        float | None, Meta(description="The shortest lifetime that a value states of itself")
    ] = None
    declared_high_s: Annotated[float | None, Meta(description="The longest one")] = None
    declared: Annotated[
        str, Meta(description="That in a sentence, beside what was observed; empty for nothing")
    ] = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Idle gaps of about one length: how many values survived or did not survive them."""

    origin: str
    dialect: str
    param: str
    outcome: Literal["survived", "fatal"]
    low_s: float
    high_s: float
    count: int


class Fall(msgspec.Struct, frozen=True, kw_only=True):
    """Where a survival curve falls: somewhere within an interval."""

    left_s: float
    right_s: Annotated[float | None, Meta(description="null: open")]
    survival: Annotated[float, Meta(description="Share that is left after it")]
    band_low: float
    band_high: float


class Survival(msgspec.Struct, frozen=True, kw_only=True):
    """How large a share of the clients have a limit beyond a span, by Turnbull's estimate."""

    origin: str
    dialect: str
    param: str
    span: Literal["idle", "age"]
    clients: int
    contradicting: Annotated[int, Meta(description="Clients left out: no limit fits them")]
    falls: tuple[Fall, ...]
    censored_s: Annotated[
        tuple[float, ...],
        Meta(description="Longest survived span of clients whose tokens did not end; capped"),
    ]


class Likelihood(msgspec.Struct, frozen=True, kw_only=True):
    """How well a model of a server explains the uses of one parameter's tokens."""

    origin: str
    dialect: str
    param: str
    model: str
    policy: Annotated[str, Meta(description="The name that it speaks for")]
    below: Annotated[
        float, Meta(description="Natural logarithm of its evidence, under that of the best")
    ]


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """One issue of a value that differs from the one issued before."""

    client: str
    origin: str
    dialect: str
    param: str
    at: Time
    from_: Annotated[str | None, Meta(description="Pseudonym; null: the first value seen")] = (
        msgspec.field(name="from")
    )
    to: Annotated[str, Meta(description="Pseudonym")]
    cause: str
    idle_s: Annotated[float | None, Meta(description="Shortest; null: not known")]
    idle_high_s: Annotated[float | None, Meta(description="Longest; null: no bound")] = None
    age_s: Annotated[float | None, Meta(description="Shortest; null: birth not seen")]
    age_high_s: Annotated[float | None, Meta(description="Longest; null: birth not seen")] = None
    exchange: int


class Lifespan(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one client: when it was first and last sighted."""

    client: str
    origin: str
    dialect: str
    param: str
    value: Annotated[str, Meta(description="Pseudonym, or the value where it is in clear")]
    first: Time
    last: Time
    issues: int
    uses: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A whole audit, as `audit.json` holds it."""

    schema_version: Literal[2]
    created: Annotated[
        datetime, Meta(tz=True, description="All that differs between two audits of one store")
    ]
    generator: Generator
    settings: Settings
    capture: Capture
    answers: tuple[Answer, ...]
    clients: Annotated[tuple[Client, ...], Meta(description="The least compliant first")]
    parameters: tuple[Parameter, ...]
    tokens_summary: tuple[TokenSummary, ...]
    expiry: tuple[Expiry, ...]
    gaps: tuple[Gap, ...]
    survival: tuple[Survival, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()
    rotations_total: int
    rotations_by_cause: Counts
    rotations: Annotated[tuple[Rotation, ...], Meta(description="By time; capped")]
    lifespans_total: int
    lifespans: Annotated[
        tuple[Lifespan, ...], Meta(description="Of the parameters that change most; capped")
    ]
    sessions: tuple[SessionSummary, ...] = ()
    sessions_lost_total: Annotated[
        int, Meta(description="Sessions that were lost with a cart or a login in them")
    ] = 0
    sessions_lost: Annotated[
        tuple[Session, ...], Meta(description="Those, the costliest first; capped")
    ] = ()
    root_causes_total: int = 0
    faults_by_cause: Annotated[Counts, Meta(description="Faults by their root cause")] = {}
    root_causes: Annotated[
        tuple[RootCause, ...], Meta(description="The most frequent first; capped")
    ] = ()
    overrides_total: int = 0
    overrides: Annotated[
        tuple[Override, ...], Meta(description="The most frequent first; capped")
    ] = ()
    shared_total: Annotated[int, Meta(description="Credentials that several clients present")] = 0
    shared: Annotated[tuple[Shared, ...], Meta(description="By credential and client; capped")] = ()
    leaks_total: int = 0
    leaks: Annotated[tuple[Leak, ...], Meta(description="The most frequent first; capped")] = ()
    findings: Annotated[tuple[Finding, ...], Meta(description="The gravest first")]
    suppressed: Annotated[int, Meta(description="Findings that are left out")] = 0
    suppressions: Annotated[tuple[Suppression, ...], Meta(description="What was decided")] = ()
    baseline: Annotated[
        Baseline | None, Meta(description="What changed; null: nothing to compare with")
    ] = None
    rules: tuple[RuleChecked, ...]
    exchanges: Annotated[
        tuple[EvidenceExchange, ...], Meta(description="Those that findings point to")
    ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `audit.json`."""
    schema = msgspec.json.schema(Document)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "statetrail audit",
        **schema,
    }
