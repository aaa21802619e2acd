"""What was audited, and the three answers: the parts of the document that come first.

Structs of `statetrail.report.document`, where all of them are imported from.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from statetrail.report.sections.kinds import Confidence, Counts, Time


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
    started: Time
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
