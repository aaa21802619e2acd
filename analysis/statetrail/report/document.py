"""The shape of `audit.json`: frozen structs, from which its JSON Schema is made.

Enters: nothing. Leaves: `Document` and its parts, `SCHEMA_VERSION`, `json_schema`. A field is only
ever added within a version; one that goes or changes its meaning makes a new version.

Times are UTC: datetimes here, ISO 8601 strings in the JSON. Values of parameters appear as
pseudonyms (``~1a2b3c4d``), or in clear where the recording holds them in clear.
"""

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from statetrail.findings.rule import Severity

SCHEMA_VERSION: Final = 1
SCHEMA_ID: Final = "urn:statetrail:audit:1"

type Confidence = Literal["none", "low", "medium", "high"]
type Time = Annotated[datetime, Meta(tz=True)]
type Counts = Annotated[dict[str, int], Meta(description="How often, by name")]


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """What made the document."""

    name: str
    version: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was analysed, and with which options."""

    stores: Annotated[tuple[str, ...], Meta(description="File names without their folders")]
    client_by: Annotated[tuple[str, ...], Meta(description="What tells clients apart")]
    grace_ms: Annotated[
        float, Meta(description="How long after a response a client may act on older state")
    ]
    dialects: tuple[str, ...]
    profile: Annotated[str, Meta(description="The thresholds that some rules held it to")] = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the recorder or one imported file."""

    source: str
    name: str | None
    at: Time
    exchanges: int
    duplicates: int
    skipped: int
    problem: Annotated[str | None, Meta(description="What was lost; null: nothing")]


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, and how good the record is."""

    started: Time | None
    ended: Time | None
    exchanges: int
    clients: int
    origins: int
    malformed: Annotated[int, Meta(description="Issued values that are not well formed")]
    issued: int
    presented: int
    in_scope: Annotated[int, Meta(description="Exchanges that a dialect matched")]
    by_origin: Annotated[Counts, Meta(description="Exchanges by origin")]
    errors: Annotated[Counts, Meta(description="Exchanges that did not complete, by reason")]
    notes: Annotated[
        Counts, Meta(description="What the capture could not see or had to bound, by note")
    ]
    sources: tuple[Source, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three questions, answered in a plain sentence per subject."""

    id: Literal["lifetime", "rotation", "ignoring"]
    question: str
    statements: tuple["Statement", ...]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence with its number, what it is out of, and how far to trust it."""

    text: str
    number: Annotated[str, Meta(description="The figure that the sentence is about, as shown")]
    denominator: Annotated[str, Meta(description="What the figure is out of, as shown")]
    confidence: Confidence
    tone: Annotated[
        Literal["good", "bad", "neutral"], Meta(description="How the figure is to be taken")
    ] = "neutral"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """One client at one origin under one dialect."""

    client: str
    origin: str
    dialect: str
    requests: int
    compliance: (
        Annotated[float, Meta(description="honoured / judged; null: nothing to judge", ge=0, le=1)]
        | None
    )
    judged: Annotated[int, Meta(description="Verdicts that count: compliance's denominator")]
    faults: int
    excused: Annotated[
        dict[str, int],
        Meta(description="Faults with a root cause that lies with the server, by that cause"),
    ] = {}
    first: Time | None
    last: Time | None
    verdicts: Counts
    params: Annotated[dict[str, Counts], Meta(description="Verdict counts by parameter")]

    @property
    def own(self) -> int:
        """The faults that are the client's own, as far as the traffic shows."""
        return self.faults - sum(self.excused.values())


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


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Idle gaps of about one length: how many values survived or did not survive them."""

    origin: str
    dialect: str
    param: str
    outcome: Literal["survived", "fatal"]
    low_s: float
    high_s: float
    count: int


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


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of one parameter at one origin, taken together."""

    origin: str
    dialect: str
    param: str
    sessions: int
    requests: int
    median_duration_s: Annotated[
        float | None, Meta(description="From a session's first request to its last")
    ]
    ended: Annotated[Counts, Meta(description="How they ended")]
    lost: Annotated[int, Meta(description="Sessions that were reset, rejected or restarted")]
    cart_writes: int
    carts_lost: Annotated[
        int, Meta(description="Lost sessions with a cart write that nobody repeated")
    ]
    cart_writes_lost: Annotated[int, Meta(description="Those writes")]
    logins: int
    logins_lost: Annotated[
        int, Meta(description="Lost sessions with a login that was not repeated")
    ]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session that was lost with something in it."""

    client: str
    origin: str
    dialect: str
    param: str
    session: Annotated[str, Meta(description="Pseudonym of its first token")]
    first: Time
    last: Time
    duration_s: float
    tokens: int
    requests: int
    ended: str
    ended_at: Time | None
    cart_writes: int
    cart_writes_lost: int | None
    login_lost: bool | None


class RootCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why one client ignored one parameter."""

    client: str
    origin: str
    dialect: str
    param: str
    verdict: str
    cause: str
    confidence: str
    servers: Annotated[bool, Meta(description="It lies with the server: the client is excused")]
    count: int
    first: Time
    last: Time
    endpoints: tuple[str, ...]
    evidence: tuple[int, ...]


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of which a client presented a value of its own choice."""

    client: str
    origin: str
    dialect: str
    param: str
    overrides: int
    answered: Annotated[int, Meta(description="The server's next issue was the client's value")]
    fought: Annotated[int, Meta(description="The server's next issue was another value")]
    unanswered: int
    on_baskets: int
    without_effect: int
    first: Time
    last: Time


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One credential that several clients presented, and one of them."""

    origin: str
    dialect: str
    param: str
    value: Annotated[str, Meta(description="Pseudonym")]
    client: str
    clients: int
    how: str
    uses: int
    first: Time
    last: Time


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """One credential that a client sent to another origin than its own."""

    client: str
    param: str
    dialect: str
    value: Annotated[str, Meta(description="Pseudonym")]
    issued_origin: Annotated[str, Meta(description="The origin that issued it")]
    origin: Annotated[str, Meta(description="The origin that got it")]
    place: str
    count: int
    first: Time
    last: Time
    exchange: Annotated[int, Meta(description="One of the requests")]


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One value in one exchange."""

    param: str
    value: Annotated[str, Meta(description="Pseudonym, or the value where it is in clear")]
    channel: str
    note: Annotated[str | None, Meta(description="usage/priority, kind, or what is wrong")]


class EvidenceExchange(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange that a finding points to."""

    exchange: int
    at: Time
    answered: Annotated[Time | None, Meta(description="When the response began")] = None
    ended: Annotated[Time | None, Meta(description="When the response ended")] = None
    client: str
    origin: str
    method: str
    path: Annotated[str, Meta(description="Without query; token-like segments are pseudonyms")]
    status: int | None
    error: str | None
    issued: tuple[Sighting, ...]
    presented: tuple[Sighting, ...]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired for one client, origin and parameter."""

    id: Annotated[str, Meta(description="Stable: the same for the same rule and subject")]
    rule: str
    title: str
    severity: Severity
    confidence: str
    audience: str
    client: str | None
    origin: str | None
    param: str | None
    count: int
    first: Time | None
    last: Time | None
    message: str
    remedy: str
    references: tuple[str, ...]
    evidence: Annotated[tuple[int, ...], Meta(description="Exchange ids, the primary one first")]
    around: Annotated[
        tuple[int, ...],
        Meta(description="Exchanges of the same client next to the primary one, by time; capped"),
    ] = ()


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """A decision to live with some findings, and what became of it."""

    rule: str
    client: str | None
    origin: str | None
    param: str | None
    reason: str
    until: date
    in_force: Annotated[bool, Meta(description="Its last day has not passed")]
    matched: Annotated[int, Meta(description="Findings that it is about")]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What changed since an earlier audit."""

    created: Annotated[Time, Meta(description="When that audit was made")]
    new: Annotated[tuple[str, ...], Meta(description="Ids of the findings that it does not have")]
    unchanged: int
    fixed: Annotated[tuple[Finding, ...], Meta(description="Its findings that are gone")]


class RuleChecked(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that was applied, whether it fired or not."""

    rule: str
    title: str
    severity: Severity
    audience: str
    found: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A whole audit, as `audit.json` holds it."""

    schema_version: Literal[1]
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
