"""What a section of the report is, and how sections are gathered from a recording.

A section is one file of `statetrail.report.sections`: its part of `audit.json` (the fields of a
`Section`), how that is gathered, and its template for the page. That is in the file or beside it
(``<file>.html.j2``), as is the one for the Markdown report, if it has the section (``md.j2``). The
sections are listed once, in order: as the bases of `statetrail.report.document.Document`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self, cast

import msgspec
from msgspec import Meta

from statetrail.recording.frames import Recording
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.suppression import Entry

type Confidence = Literal["none", "low", "medium", "high"]
type Time = Annotated[datetime, Meta(tz=True)]
type Counts = Annotated[dict[str, int], Meta(description="How often, by name")]


def meaning(text: str) -> Meta:
    """What a field of the document says, for the JSON Schema."""
    return Meta(description=text)


class OfParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A row about one parameter at one origin."""

    origin: str
    dialect: str
    param: str

    @property
    def subject(self) -> tuple[str, str, str]:
        """Origin, dialect and parameter."""
        return self.origin, self.dialect, self.param


class OfClient(msgspec.Struct, frozen=True, kw_only=True):
    """A row about one client's parameter at one origin."""

    client: str
    origin: str
    dialect: str
    param: str

    @property
    def lane(self) -> tuple[str, str, str, str]:
        """Client, origin, dialect and parameter."""
        return self.client, self.origin, self.dialect, self.param


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section of the report; its fields are top-level keys of `audit.json`.

    In its templates `section` is the section itself and `doc` the whole document.
    """

    title: ClassVar[str] = ""
    """What the page's navigation calls it; empty: it is not listed there."""
    templates: ClassVar[Mapping[str, str]] = {}
    """Its templates by suffix (``html.j2``, ``md.j2``), if they are not files beside its module."""

    @classmethod
    def gather(cls, gathering: "Gathering") -> Self:
        """The section of a recording; one without fields needs nothing of it."""
        return cls()

    @classmethod
    def file(cls) -> str:
        """The name of its file, which is that of its templates and of its anchor on the page."""
        return cls.__module__.rpartition(".")[2]

    def link(self) -> str:
        """The text of its link in the page's navigation."""
        return self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """What the sections of one document are gathered from.

    Attributes
    ----------
    recording, created
        What is audited, and when.
    profile, suppressions
        As `statetrail.report.audit` has them.
    progress
        Called with the name of each step.
    """

    recording: Recording
    created: datetime
    profile: Profile = DEFAULT
    suppressions: Sequence[Entry] = ()
    progress: Callable[[str], object] = lambda step: None
    _sections: dict[type[Section], Section] = field(default_factory=dict)

    def section[S: Section](self, kind: type[S]) -> S:
        """A section, gathered once: also for other sections that are made of it."""
        if kind not in self._sections:
            self.progress(f"section {kind.file()}")
            self._sections[kind] = kind.gather(self)
            self.recording.release()
        return cast("S", self._sections[kind])


class Flattened(msgspec.StructMeta):
    """Makes one flat struct of several sections.

    A struct cannot have several bases at run time. The new one has the fields of all of them in
    their order, each with its type and default, and lists them in `sections`.
    """

    def __new__(
        cls, name: str, bases: tuple[type[Section], ...], namespace: dict[str, Any], **config: Any
    ) -> type:
        annotations = namespace.setdefault("__annotations__", {})
        for one in (one for base in bases for one in msgspec.structs.fields(base)):
            annotations[one.name] = one.type
            if not one.required:
                namespace[one.name] = (
                    one.default
                    if one.default_factory is msgspec.NODEFAULT
                    else msgspec.field(default_factory=one.default_factory)
                )
        namespace["sections"] = bases
        return cast("type", super().__new__(cls, name, (msgspec.Struct,), namespace, **config))
