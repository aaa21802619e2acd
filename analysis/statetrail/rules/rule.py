"""What a rule is, and what its file is written with: words, grades, and occurrences.

A rule looks at *occurrences*: every time that it could have fired, with whether it did. So each
finding says how often, of how many. Severity (how bad it is) and confidence (how sure the evidence
is) are separate. Thresholds are not the rule's: they come from a `Profile`.

Occurrences are lazy frames with the columns `OCCURRENCE`. Those on which the rule did not fire may
be counted in one row (``times``), as only their number is reported.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, reduce
from inspect import signature
from operator import and_, or_
from typing import Concatenate, Final, Literal, cast

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.causes.root_causes import UNKNOWN, causes
from statetrail.analyses.columnar.executor import Scope
from statetrail.analyses.conformance.verdict import DEATHS, SUPERSEDED
from statetrail.analyses.conformance.verdict_counts import verdict_counts
from statetrail.analyses.events.value_counts import value_counts
from statetrail.analyses.exposure.shared import is_credential
from statetrail.dialects import Dialect, Param
from statetrail.recording.engines import Lazy as Lazy
from statetrail.recording.engines import is_among
from statetrail.recording.frames import Recording as Recording
from statetrail.rules.profiles import Profile as Profile
from statetrail.rules.sources import PROTOCOLS, cite

type Severity = Literal["info", "low", "medium", "high"]
type Confidence = Literal["low", "medium", "high"]
type Audience = Literal["client", "api", "security", "capture"]
type Check = Callable[Concatenate[Recording, ...], Lazy]

SEVERITIES: Final[tuple[Severity, ...]] = ("info", "low", "medium", "high")
CONFIDENCES: Final[tuple[Confidence, ...]] = ("low", "medium", "high")
AUDIENCES: Final[dict[Audience, str]] = {
    "client": "client developer",
    "api": "API owner",
    "security": "security owner",
    "capture": "operator of the capture",
}
"""Who can fix what a rule finds; the rules of each audience are a package of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: of some verdicts, or else the decorator of the function that checks it.

    Attributes
    ----------
    title
        What is wrong, in a few words.
    severity, confidence
        How bad it is where it holds, and how surely it holds where it fires.
    observed, expected
        What was seen, and what should have been: templates with ``{count}``, ``{of}`` and
        ``{param}``, and with the words of the profile where the rule has a threshold.
    remedy
        What to do about it.
    references
        Exact sources in short, as `statetrail.rules.sources` takes them.
    open
        What would settle that its severity is high, where the evidence leaves it open.
    verdicts
        It fires on requests with one of these verdicts.
    from_server
        Whether those verdicts are about values that the server alone makes, or about all others;
        without it about both.
    check
        From a recording to the occurrences (`OCCURRENCE`). Where the rule has a threshold, it takes
        the profile too.
    scope
        ``bucket``: what it says of a client's exchanges depends on no other client's, so that a
        large dataset is looked at bucket by bucket. ``whole``: it has to see all clients.
    module
        The module that it stands in.
    """

    title: str
    severity: Severity
    confidence: Confidence
    observed: str
    expected: str
    remedy: str
    references: tuple[str, ...]
    open: str = ""
    verdicts: tuple[str, ...] = ()
    from_server: bool | None = None
    check: Check | None = None
    scope: Scope = "whole"
    module: str = ""

    def __call__(self, check: Check) -> "Rule":
        """The rule with its check; raises `ValueError` if it has verdicts to look for."""
        if self.verdicts:
            raise ValueError(f"rule {check.__module__} has verdicts: it takes no check")
        return replace(self, check=check, module=check.__module__)

    def __reduce__(self) -> tuple[Callable[[str], "Rule"], tuple[str]]:
        # Its functions need have no names; it is found again by its own.
        from statetrail.rules.registry import rule

        return rule, (self.id,)

    @property
    def id(self) -> str:
        """Stable, in kebab case: the name of its module."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def audience(self) -> Audience:
        """Who can fix it, one of `AUDIENCES`: the package that its module is in."""
        return cast("Audience", self.module.split(".")[-2])

    @property
    def divisible(self) -> bool:
        """Whether it can be applied to some clients at a time, as all rules of verdicts can."""
        return self.check is None or self.scope == "bucket"

    @property
    def has_threshold(self) -> bool:
        """Whether its check takes a profile."""
        return self.check is not None and _takes_profile(self.check)

    def occurrences(self, rec: Recording, profile: Profile) -> Lazy:
        """The occurrences of this rule in a recording."""
        if self.check is None:
            return verdict_occurrences(rec, self.verdicts, from_server=self.from_server)
        return self.check(rec, profile) if self.has_threshold else self.check(rec)

    def sources(self, profile: Profile, dialects: Sequence[Dialect] = ()) -> tuple[str, ...]:
        """Its references in full, and those of the profile where the rule has a threshold.

        With `dialects`, what is about another protocol than theirs gives way to what they cite.
        """
        of_profile = profile.references if self.has_threshold else ()
        names = {each.name for each in dialects}
        about = {source: PROTOCOLS.get(source.partition(" ")[0]) for source in self.references}
        own = [s for s, name in about.items() if not names or name is None or name in names]
        others = [
            f"{each.title}: {reference}"
            for each in dialects
            if len(own) < len(about) and each.name not in PROTOCOLS.values()
            for reference in each.references or ("the dialect",)
        ]
        return tuple(dict.fromkeys((*map(cite, own), *others, *of_profile)))


@cache
def _takes_profile(check: Check) -> bool:
    return len(signature(check).parameters) > 1


OCCURRENCE: Final = pa.schema(
    {
        "client": pa.string(),  # "": not about one client
        "origin": pa.string(),
        "param": pa.string(),
        "exchange_id": pa.int64(),
        "observed_us": pa.int64(),
        "hit": pa.int64(),  # how often the rule fired: 0 where it could have, else 1; see `tallied`
        "detail": pa.string(),  # what is particular to it, `REQUEST` for the request; "": nothing
        "related_id": pa.int64(),  # another exchange that belongs to the evidence, -1: none
        "cause": pa.string(),  # the root cause, "": none is known
        "times": pa.int64(),  # occurrences that the row stands for: 1, or more that are no hits
        "proven": pa.int64(),  # 1: nothing is left open that a severity of high needs, else 0
    }
)
"""The columns of a frame of occurrences, none of them ever null."""
MAX_FIRST: Final = 1000
"""Integers that a filter by a list may have."""
_ENDS: Final = tuple(reason for reason in DEATHS if reason != SUPERSEDED)
REQUEST: Final = "\x01"
"""Stands in a detail for the request's method and endpoint, which are looked up only for what a
finding shows. No text of a recording contains it."""


def occurrences(
    frame: Lazy,
    hit: nw.Expr,
    *,
    detail: nw.Expr | str = REQUEST,
    related: nw.Expr | None = None,
    cause: nw.Expr | None = None,
    proven: nw.Expr | None = None,
    at: str = "request_start_us",
    per_client: bool = True,
    times: nw.Expr | None = None,
) -> Lazy:
    """The rows of a frame as occurrences; it has the columns of `OCCURRENCE` without a default.

    `at` is the column with the time of the occurrence. Without `proven` all are. A row that is no
    hit may stand for several (`times`).
    """
    return frame.select(
        "origin",
        "param",
        "exchange_id",
        observed_us=nw.col(at).cast(nw.Int64),
        client=nw.col("client") if per_client else nw.lit(""),
        hit=flag(hit),
        detail=nw.lit(detail) if isinstance(detail, str) else detail.fill_null(""),
        related_id=nw.lit(-1, dtype=nw.Int64) if related is None else related.fill_null(-1),
        cause=nw.lit("") if cause is None else cause.fill_null(""),
        times=nw.lit(1, nw.Int64) if times is None else times,
        proven=nw.lit(1, nw.Int64) if proven is None else flag(proven),
    ).select(*OCCURRENCE.names)


def verdict_occurrences(
    rec: Recording, verdicts: tuple[str, ...], *, from_server: bool | None = None
) -> Lazy:
    """The verdicts that count, as occurrences with a hit where the verdict is one of `verdicts`.

    Parameters
    ----------
    from_server
        Whether the rule is about values that the server alone makes, or about all others.
    """
    # Every fault has a cause, "unknown" at least.
    faults = causes(rec).lazy.filter(nw.col("verdict").is_in(verdicts))
    others = other_verdicts(rec, *verdicts)
    if from_server is not None:
        about = is_from_server(rec) if from_server else ~is_from_server(rec)
        faults, others = faults.filter(about), others.filter(about)
    known = (nw.col("cause") != UNKNOWN) | nw.col("refused")
    hits = occurrences(
        faults, nw.lit(True), detail=how_it_ended(), cause=nw.col("cause"), proven=known
    )
    return nw.concat([hits, others.select(*OCCURRENCE.names)], how="vertical")


def how_it_ended() -> nw.Expr:
    """The detail of a fault: its request, or how its value had ended if by no newer value."""
    reason = nw.col("reason").fill_null("")
    return nw.when(reason.is_in(_ENDS)).then(reason).otherwise(nw.lit(REQUEST))


def other_verdicts(rec: Recording, *verdicts: str) -> Lazy:
    """The verdicts that count and are none of `verdicts`, as occurrences without a hit, counted.

    Returns
    -------
    Lazy
        The columns `OCCURRENCE`, and ``dialect``; one row per client, parameter and verdict.
    """
    verdict = nw.col("verdict")
    counting = nw.col("fault") | (verdict == "honoured")
    return totals(verdict_counts(rec).lazy.filter(counting & ~verdict.is_in(verdicts)), "times")


def totals(counts: Lazy, times: str, *, per_client: bool = True) -> Lazy:
    """Counts as occurrences without a hit.

    Parameters
    ----------
    counts
        ``client``, ``origin``, ``dialect``, ``param``, and the column `times`.

    Returns
    -------
    Lazy
        The columns `OCCURRENCE`, and ``dialect``.
    """
    return counts.select(
        "dialect",
        "origin",
        "param",
        client=nw.col("client") if per_client else nw.lit(""),
        exchange_id=nw.lit(-1, nw.Int64),
        observed_us=nw.lit(0, nw.Int64),
        hit=nw.lit(0, nw.Int64),
        detail=nw.lit(""),
        related_id=nw.lit(-1, nw.Int64),
        cause=nw.lit(""),
        times=nw.col(times).cast(nw.Int64),
        proven=nw.lit(1, nw.Int64),
    )


def of_totals(hits: Lazy, totals: Lazy) -> Lazy:
    """Occurrences that are all hits, and the totals that they are part of."""
    counted = hits.with_columns(times=nw.lit(0, nw.Int64))
    return nw.concat([counted, totals.select(*OCCURRENCE.names)], how="vertical")


def matching(rows: Lazy, wanted: Lazy, on: Sequence[str], *, first: str) -> Lazy:
    """The rows that have a row of `wanted` by the columns `on`, with its other columns.

    Where few are wanted, the integer column `first` decides first: an engine reads it alone.
    """
    few = wanted.select(first).unique().head(MAX_FIRST + 1).collect("pyarrow")[first].to_list()
    if len(few) <= MAX_FIRST:
        rows = rows.filter(is_among(first, few))
    return rows.join(wanted, on=list(on))


def has_rows(frame: Lazy) -> bool:
    """Whether a frame has any row."""
    return len(frame.head(1).collect("pyarrow")) > 0


def value_totals(
    rec: Recording, times: str, params: nw.Expr | None = None, *, per_client: bool = True
) -> Lazy:
    """How many ``issues``, ``presentations`` or ``transfers`` there are of the parameters."""
    counts = value_counts(rec).lazy
    if params is not None:
        counts = counts.filter(params)
    return totals(counts.filter(nw.col(times) > 0), times, per_client=per_client)


def credentials(rec: Recording) -> nw.Expr:
    """Whether a row is about a credential."""
    return of_params(rec, is_credential)


def known_credentials(rec: Recording) -> nw.Expr:
    """Whether a row is about a credential, or the cookie of a session."""
    return credentials(rec) | reduce(or_, _of_families(rec, value_counts(rec).lazy))


def server_issued(rec: Recording) -> nw.Expr:
    """Whether a row of verdicts is about a credential, or a value that the server alone makes."""
    return is_from_server(rec) | credentials(rec)


def is_from_server(rec: Recording) -> nw.Expr:
    """Whether a row of verdicts is about values that the server alone makes.

    A family may be of names that nobody declares, such as cookies: some name a session.
    """
    declared = of_params(rec, lambda param: param.minted)
    return declared | reduce(or_, _of_families(rec, verdict_counts(rec).lazy))


def _of_families(rec: Recording, rows: Lazy) -> Iterator[nw.Expr]:
    """Whether a row is about a name in `rows` that no dialect lists and that names a session."""
    yield nw.col("dialect").is_null()
    families = [dialect for dialect in rec.dialects if dialect.family.session_patterns]
    if families:
        seen = rows.select("dialect", "param").unique()
        names = seen.collect("pyarrow").to_arrow().to_pylist()
        for dialect in families:
            held = sorted(row["param"] for row in names if row["dialect"] == dialect.name)
            own = is_among("param", [name for name in held if dialect.mints(name)])
            yield (nw.col("dialect") == dialect.name) & own


def of_params(rec: Recording, params: Callable[[Param], bool]) -> nw.Expr:
    """Whether a row's dialect and parameter are among those that the predicate picks."""
    picked = [
        (nw.col("dialect") == dialect.name) & (nw.col("param") == param.name)
        for dialect in rec.dialects
        for param in dialect.params
        if params(param)
    ]
    return reduce(or_, picked) if picked else nw.col("dialect").is_null()


def flag(condition: nw.Expr) -> nw.Expr:
    """A condition as 1, or else (false or null) 0."""
    holds = nw.when(condition.fill_null(False)).then(nw.lit(1, nw.Int64))
    return holds.otherwise(nw.lit(0, nw.Int64))


def with_totals(rows: Lazy, by: Sequence[str], **totals: nw.Expr) -> Lazy:
    """The rows with aggregates of their groups as columns; no column of `by` is null.

    `nw.Expr.over` says the same, but PyArrow's joins, by which Narwhals does it there, keep no
    order of rows.
    """
    return rows.join(rows.group_by(*by).agg(**totals), on=list(by))


def previous(column: str, series: Sequence[str], *, order_by: Sequence[str]) -> nw.Expr:
    """The value of a column in the row before of the same series, null in its first row."""
    order = [*series, *order_by]

    def before(name: str) -> nw.Expr:
        return nw.col(name).shift(1).over(order_by=order)

    same = reduce(and_, (before(name) == nw.col(name) for name in series))
    return nw.when(same).then(before(column))
