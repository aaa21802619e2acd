"""The environment: which versions made the report, with which options, for which dialects."""

import sys
from collections import Counter
from importlib.metadata import version
from typing import Annotated, ClassVar, Final, Self

import msgspec

from statetrail.analyses.tallies.seen import seen
from statetrail.report.section import Gathering, Section, meaning
from statetrail.schema import SCHEMA_VERSION

PACKAGES: Final = ("mitmproxy", "narwhals", "numpy", "pandas", "pyarrow")
"""Packages whose version may change what is read or computed."""


class SpokenDialect(msgspec.Struct, frozen=True, kw_only=True):
    """A dialect that was found in the traffic."""

    name: str
    title: str
    exchanges: Annotated[int, meaning("Exchanges that it matched")]
    references: tuple[str, ...]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of the profile, as findings write them."""

    idle_max: Annotated[str, meaning("How long a token may be unused")]
    age_max: Annotated[str, meaning("How old it may be")]
    bits_min: Annotated[str, meaning("How many bits it has at least")]
    overlap: Annotated[str, meaning("How long it is accepted after its replacement")]


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What made the audit, beside the options in `settings`."""

    python: str
    packages: Annotated[dict[str, str], meaning("Versions by package")]
    tables: Annotated[int, meaning("Version of the stored tables that this release writes")]
    limits: Limits
    spoken: Annotated[tuple[SpokenDialect, ...], meaning("Dialects that matched an exchange")]
    silent: Annotated[tuple[str, ...], meaning("Dialects that matched none")]


class EnvironmentSection(Section, frozen=True, kw_only=True):
    """What made the audit: versions, options and dialects."""

    title: ClassVar = "Environment"
    environment: Environment | None = None

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the options of the recording, and how often each dialect matched."""
        rec, matched = gathering.recording, Counter[str]()
        words = gathering.profile.words
        for row in seen(rec).exchanges.to_pylist():
            for name in row["dialects"].split(","):
                matched[name] += row["rows"]
        return cls(
            environment=Environment(
                python=".".join(map(str, sys.version_info[:3])),
                packages={name: version(name) for name in PACKAGES},
                tables=SCHEMA_VERSION,
                limits=Limits(**{name: words[name] for name in Limits.__struct_fields__}),
                spoken=tuple(
                    SpokenDialect(
                        name=one.name,
                        title=one.title,
                        exchanges=matched[one.name],
                        references=one.references,
                    )
                    for one in rec.dialects
                    if matched[one.name]
                ),
                silent=tuple(one.name for one in rec.dialects if not matched[one.name]),
            )
        )
