"""Options that several commands have: their help texts, and the values that their texts mean."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from statetrail.errors import UsageError, unknown

if TYPE_CHECKING:
    from statetrail.dialects import Dialect
    from statetrail.recording.frames import Recording
    from statetrail.rules.profiles import Profile
    from statetrail.rules.suppression import Entry

DEFAULT_STORE: Final = Path("statetrail.sqlite")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")


def option(usage: str, text: str, **more: Any) -> Any:
    """An option, from its usage (``--flag``, or ``--flag METAVAR``) and its help.

    Further names, of earlier versions, are divided by ``|``.
    """
    flags, _, metavar = usage.partition(" ")
    return typer.Option(*flags.split("|"), metavar=metavar or None, help=text, **more)


def argument(metavar: str, text: str, complete: Callable[..., list[str]] | None = None) -> Any:
    """An argument, from its name and its help; `complete` gives a shell what may stand there."""
    return typer.Argument(metavar=metavar, help=text, show_default=False, autocompletion=complete)


def completion(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What completes a name that has begun."""

    def complete(incomplete: str) -> list[str]:
        return sorted(name for name in names() if name.startswith(incomplete))

    return complete


def dialect_names() -> Iterable[str]:
    """The names of the built-in dialects."""
    from statetrail.dialects import builtin

    return builtin()


# Plain assignments: typer does not look through `type` statements.
STORES: Final = "SQLite stores or Parquet datasets; several are joined if they have the same key."
Stores = Annotated[list[Path], argument("STORE", STORES)]
Store = Annotated[Path, option("--store FILE", "SQLite store to add to; made if new.")]
Key = Annotated[
    Path | None,
    option(
        "--key FILE",
        "Key file for the pseudonyms; stores with the same key can be joined. "
        "Default: FILE.key beside the store, or a new key.",
    ),
]
ForgetKey = Annotated[
    bool,
    option(
        "--forget-key",
        "Do not keep the store's key: it is in memory only, and one that is there is removed. Then "
        "nobody can test a guessed value against the pseudonyms, or add to the store later.",
    ),
]
Clear = Annotated[
    str,
    option(
        "--clear PARAMS",
        "What to store in clear: secret parameters; proxy-user, client-header, ids.",
    ),
]
ClientHeader = Annotated[
    str | None, option("--client-header NAME", "Request header that identifies the client.")
]
Dialects = Annotated[
    str,
    option(
        "--dialects NAMES",
        "Dialects to look for, comma separated: names, TOML files of your own, or all.",
    ),
]
Grace = Annotated[
    str,
    option(
        "--grace TIME", "How long after a response its client may still use older state: 250ms, 2s."
    ),
]
OutFile = Annotated[Path | None, option("--out|--to FILE", "Write to a file.")]
ClientBy = Annotated[
    str | None,
    option(
        "--client-by NAMES",
        "Attributes that identify a client, comma separated: peer, user-agent, proxy-user, header, "
        "source. By default peer and user-agent; source too where HAR files were imported.",
    ),
]
ClientPattern = Annotated[
    str | None,
    option(
        "--client-pattern REGEX",
        "Clients of two audits are the same where this matches the same in their names (its "
        "groups, if it has any). By default where the names are the same apart from the versions "
        "of products: app/1 and app/2 are one client.",
    ),
]

ProfileName = Annotated[
    str,
    option(
        "--profile NAME",
        "Limits of idle time, age and entropy for tokens: nist-aal2, nist-aal3, owasp-low, "
        "owasp-high, or a TOML file of your own.",
    ),
]
Suppress = Annotated[
    Path | None,
    option(
        "--suppress FILE",
        "TOML file of findings to leave out, each with a reason and an expiry date.",
    ),
]

Engine = Annotated[
    Literal["duckdb", "pandas", "polars", "pyarrow", "spark"] | None,
    option(
        "--engine NAME",
        "Where queries run: duckdb, pandas, polars, pyarrow, or spark, whose workers read the "
        "dataset's files. By default pyarrow, and duckdb from 200,000 exchanges on.",
    ),
]
SparkMaster = Annotated[
    str | None,
    option(
        "--spark-master URL",
        "The master of Spark: local[2], spark://HOST:PORT. Its workers need statetrail, the same "
        "Python, and the paths of the dataset.",
    ),
]
MemorySize = Annotated[
    str | None,
    option(
        "--memory SIZE",
        "Memory for results and queries: 512MiB, 2GiB. What has no room is written to a temporary "
        "folder; the rows that are worked on come on top. By default 512 MiB for results, and 1 "
        "GiB for a query of DuckDB.",
    ),
]
Threads = Annotated[
    int | None, option("--threads N", "Threads. Default: the processors, at most 4.")
]

Severity = Literal["info", "low", "medium", "high"]
DEFAULT_GRACE: Final = "250ms"

_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|min|m|h|d|w|)")
_SIZE: Final = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)\s*([mg])(?:i?b)?")
_UNITS: Final = {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def named(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def chosen(client_by: str | None) -> tuple[str, ...] | None:
    """The attributes that were named; `None` for the default ones."""
    return None if client_by is None else named(client_by)


def cleared(text: str, dialects: "Sequence[Dialect]") -> frozenset[str]:
    """What to store in clear: parameters, or what is personal. Raises `UsageError` for others."""
    from statetrail.extract.records import PERSONAL

    known = [param.name for dialect in dialects for param in dialect.params] + [*PERSONAL]
    names = named(text)
    if others := [name for name in names if name not in known]:
        raise UsageError(unknown("parameter", others[0], known))
    return frozenset(names)


def field_name(text: str | None) -> str | None:
    """A header's name in lower case. Raises `UsageError` if it is no header name."""
    if text is not None and not _FIELD_NAME.fullmatch(text.strip()):
        raise UsageError(f"{text!r} is no name of a header, e.g. X-Device-Id")
    return text.strip().lower() if text is not None else None


def duration_s(text: str, unit: str = "") -> float:
    """A duration in seconds; `unit` is that of a bare number. Raises `UsageError`.

    >>> duration_s("90s"), duration_s("1.5 h"), duration_s("250", "ms")
    (90.0, 5400.0, 0.25)
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or not (match[2] or unit):
        raise UsageError(f"{text!r} is no duration: write it as 250ms, 90s, 10min, 12h, 30d or 4w")
    return float(match[1]) * _UNITS[match[2] or unit]


def grace_ms(text: str) -> float:
    """A grace period in milliseconds. Raises `UsageError`."""
    return duration_s(text, "ms") * 1000


def memory_mib(text: str) -> int:
    """A size in MiB. Raises `UsageError`.

    >>> memory_mib("2GiB"), memory_mib("512 MB")
    (2048, 512)
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is no size: write it as 512MiB or 2GiB")
    return int(float(match[1]) * (1024 if match[2] == "g" else 1))


def open_stores(
    stores: Sequence[Path],
    client_by: str | None,
    grace: str,
    dialects: str,
    *,
    engine: str | None = None,
    spark_master: str | None = None,
    memory: str | None = None,
    threads: int | None = None,
) -> "Recording":
    """The recording that these options describe. Raises as `open_recording` does."""
    from statetrail.dialects import select
    from statetrail.recording.frames import open_recording
    from statetrail.recording.limits import Limits

    if spark_master is not None and engine != "spark":
        raise UsageError("--spark-master needs --engine spark")
    given = {"memory_mib": None if memory is None else memory_mib(memory), "threads": threads}
    limits = Limits(**{name: value for name, value in given.items() if value is not None})
    queries: Any = "pyspark" if engine == "spark" else engine
    if spark_master is not None:
        from statetrail.recording.engines import spark_session

        queries = spark_session(spark_master)
    return open_recording(
        stores,
        engine=queries,
        client_by=chosen(client_by),
        grace_ms=grace_ms(grace),
        dialects=select(dialects),
        limits=limits,
    )


def load_criteria(profile: str, suppress: Path | None) -> "tuple[Profile, tuple[Entry, ...]]":
    """The limits and the suppressions that an audit is made with."""
    from statetrail.rules import load_profile
    from statetrail.rules.suppression import load_suppressions

    return load_profile(profile), load_suppressions(suppress) if suppress is not None else ()


def fail_on_findings(
    severity: Severity | None, failing: Callable[[Severity], int], what: str
) -> None:
    """End the command with exit code 1 if there are findings of this severity or a higher one."""
    if severity is not None and (count := failing(severity)):
        from statetrail.cli.output.terminal import say

        say(f"{count} {what}{'s' * (count > 1)} of severity {severity} or higher")
        raise typer.Exit(1)
