"""Families of refresh tokens: which were used twice, what that fits, and how long servers wait."""

from typing import Annotated, ClassVar, Final, Self

import msgspec
import narwhals as nw

from statetrail.analyses.families.families import families, graces, reuses
from statetrail.report.counting import counted, largest, of_row, ranked, rows, total
from statetrail.report.section import Counts, Gathering, Section, Time, meaning
from statetrail.schema import pseudonym

MAX_FAMILIES: Final = 500

_FAMILY: Final = ("origin", "dialect", "param", "family_fingerprint")
_TEXTS: Final = {
    "race": "two requests refreshed at once",
    "lost-response": "a client repeated a request whose answer it probably never received",
    "theft": "another client used the token, and both went on",
    "kept": "the same client had gone on with the new tokens",
    "unclear": "another client used the token, and no client used the first answer",
}


class Grace(msgspec.Struct, frozen=True, kw_only=True):
    """For how long a replaced refresh token of one parameter is still taken."""

    origin: str
    dialect: str
    param: str
    reuses: int
    taken: int
    low_s: Annotated[float | None, meaning("One was still taken at this age")] = None
    high_s: Annotated[float | None, meaning("One was refused at this age")] = None
    contradictions: int = 0


class FamilyRow(msgspec.Struct, frozen=True, kw_only=True):
    """One family in which a token was used twice."""

    family: Annotated[str, meaning("Pseudonym of its first token")]
    origin: str
    dialect: str
    param: str
    client: Annotated[str, meaning("The first client")]
    clients: int
    tokens: int
    reuses: int
    forks: int
    fits: str
    first: Time
    last: Time
    revoked: Annotated[Time | None, meaning("From then on no token of it was taken")] = None


class FamiliesSection(Section, frozen=True, kw_only=True):
    """Families of refresh tokens, where there are some."""

    title: ClassVar = "Refresh tokens"

    families_total: Annotated[int, meaning("Families of refresh tokens")] = 0
    reuses_by_fit: Annotated[Counts, meaning("Reuses by what the traffic fits")] = msgspec.field(
        default_factory=dict
    )
    graces: tuple[Grace, ...] = ()
    families: Annotated[tuple[FamilyRow, ...], meaning("With reuses, most first; capped")] = ()

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From `families`, `reuses` and `graces`."""
        rec = gathering.recording
        known = families(rec).lazy
        reused = known.filter(nw.col("reuses") > 0)
        fits = {row["fits"]: int(row["count"]) for row in counted(reuses(rec).lazy, "fits")}
        return cls(
            families_total=total(known),
            reuses_by_fit=ranked(fits),
            graces=tuple(
                of_row(Grace, row) for row in rows(graces(rec).lazy, "origin", "dialect", "param")
            ),
            families=tuple(
                of_row(FamilyRow, row, family=pseudonym(row["family_fingerprint"]))
                for row in largest(reused, "reuses", MAX_FAMILIES, *_FAMILY)
            ),
        )

    def link(self) -> str:
        return self.title if self.families_total else ""

    @property
    def texts(self) -> dict[str, str]:
        """What each fit says."""
        return _TEXTS
