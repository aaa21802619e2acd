"""The three answers: how long sessions live here, how tokens rotate, who ignores state.

They are plain sentences, each with its number, what that is out of, and how far to trust it.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Final, Literal, Self, get_args

import msgspec

from statetrail.analyses.columnar.exchanges import EVERYWHERE
from statetrail.analyses.conformance.verdict import MANY_SESSIONS
from statetrail.expiry import POLICIES
from statetrail.extract.records import STATE_UNSEEN
from statetrail.report.section import Confidence, Gathering, Section, meaning
from statetrail.report.sections.clients import Client, ClientsSection
from statetrail.report.sections.expiry import Expiry, ExpirySection
from statetrail.report.sections.parameters import Parameter, ParametersSection
from statetrail.report.sections.quality import QualitySection
from statetrail.report.sections.summary import Tone, tone
from statetrail.report.wording import apart, count, down, duration, interval, percent, tally
from statetrail.schema.clients import DECLARED

MAX_STATEMENTS: Final = 3
_GRADES: Final[tuple[Confidence, ...]] = get_args(Confidence.__value__)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence with its number, what that is out of, and how far to trust it."""

    text: str
    number: Annotated[str, meaning("The figure that the sentence is about, as shown")]
    denominator: Annotated[str, meaning("What the figure is out of, as shown")]
    confidence: Confidence
    tone: Annotated[Tone, meaning("Whether the figure is good news")] = "neutral"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three questions, answered in a plain sentence per subject."""

    id: Literal["lifetime", "rotation", "ignoring"]
    question: str
    statements: tuple[Statement, ...]


class AnswersSection(Section, frozen=True, kw_only=True):
    """The answers in the order in which a reader asks."""

    answers: tuple[Answer, ...]

    @classmethod
    def gather(cls, gathering: Gathering) -> Self:
        """From the sections on expiry, parameters and clients."""
        known = gathering.section(ParametersSection)
        secret = {
            (one.origin, one.dialect, one.param) for one in known.tokens_summary if one.secret
        }
        unseen = gathering.section(QualitySection).capture.notes.get(STATE_UNSEEN[:-1], 0)
        lifetime = _lifetime(gathering.section(ExpirySection).expiry, unseen)
        rotation = _rotation(known.parameters, secret, unseen)
        clients = gathering.section(ClientsSection).clients
        ignoring = _ignoring(clients, unseen)
        if not any(name in DECLARED for name in gathering.recording.client_by):
            ignoring += _several_sessions(clients)
        return cls(
            answers=(
                Answer(
                    id="lifetime", question="How long do sessions live here?", statements=lifetime
                ),
                Answer(id="rotation", question="How do tokens rotate?", statements=rotation),
                Answer(id="ignoring", question="Who ignores state?", statements=ignoring),
            )
        )


def graded(observations: int) -> Confidence:
    """How far a count is to be trusted as typical of the traffic: by its size alone.

    >>> [graded(n) for n in (0, 4, 29, 30)]
    ['none', 'low', 'medium', 'high']
    """
    if observations == 0:
        return "none"
    if observations < 5:
        return "low"
    return "medium" if observations < 30 else "high"


def _lifetime(expiry: Sequence[Expiry], unseen: int) -> tuple[Statement, ...]:
    """What is known of lifetimes; `unseen` responses may have issued state and have no body."""
    ended = [row for row in expiry if row.ended]
    if ended:
        ended.sort(key=lambda row: (-_GRADES.index(_grade(row)), -row.ended, row.origin, row.param))
        return tuple(_life(row) for row in ended[:MAX_STATEMENTS])
    survived = [row for row in expiry if row.idle_low_s]
    if not survived and unseen:
        return (
            Statement(
                text="The bodies that issue tokens were not recorded: nothing is known about "
                "lifetimes.",
                number="unknown",
                denominator=f"{count(unseen, 'response')} in scope without a body",
                confidence="none",
            ),
        )
    if not survived:
        return (
            Statement(
                text="No token was used again: nothing is known about lifetimes.",
                number="unknown",
                denominator="0 tokens used again",
                confidence="none",
            ),
        )
    longest = max(survived, key=lambda row: (row.idle_low_s or 0, row.origin, row.param))
    return (
        Statement(
            text="No token was seen to end. The longest idle time that one survived is "
            f"{duration(longest.idle_low_s, down)} (`{longest.param}` {_at(longest.origin)}).",
            number=interval(longest.idle_low_s, None),
            denominator=f"0 ends in {count(sum(row.survived for row in expiry), 'use')}",
            confidence=_grade(longest),
        ),
    )


def _at(origin: str) -> str:
    return "at every origin" if origin == EVERYWHERE else f"at `{origin}`"


def _life(row: Expiry) -> Statement:
    sentence = POLICIES[row.policy].sentence.format(
        idle=_between(row.idle_low_s, row.idle_high_s),
        age=_between(row.age_low_s, row.age_high_s),
        lifetime=interval(row.low_s, row.high_s),
    )
    return Statement(
        text=f"`{row.param}` {_at(row.origin)} {sentence}."
        + (f" {row.sharp}" if row.sharp else ""),
        number=interval(row.low_s, row.high_s),
        denominator=f"{count(row.ended, 'end')}, {count(row.survived, 'survived use')}",
        confidence=_grade(row),
    )


def _between(low_s: float | None, high_s: float | None) -> str:
    if low_s is not None and high_s is not None:
        low, high = apart(low_s, high_s)
        return f"longer than {low} and at most {high}"
    return interval(low_s, high_s)


def _grade(row: Expiry) -> Confidence:
    return row.confidence if row.confidence in _GRADES else "low"


def _rotation(
    parameters: Sequence[Parameter], secret: Collection[tuple[str, str, str]], unseen: int
) -> tuple[Statement, ...]:
    """The secret parameters first: they are the tokens, the others are mere settings."""
    changed = sorted(
        (row for row in parameters if row.changes),
        key=lambda row: (
            (row.origin, row.dialect, row.param) not in secret,
            -row.changes,
            row.origin,
            row.param,
        ),
    )
    if not changed:
        issues = sum(row.issues for row in parameters)
        return (
            Statement(
                text="No value was seen to be replaced: bodies that issue values were not recorded."
                if unseen
                else "No value was replaced by another.",
                number="0 changes",
                denominator=f"{count(issues, 'issue')} of {count(len(parameters), 'parameter')}",
                confidence=graded(issues),
            ),
        )
    return tuple(
        Statement(
            text=f"`{row.param}` {_at(row.origin)} was replaced {count(row.changes, 'time')}: "
            f"{tally(row.changes_by_cause)}.",
            number=count(row.changes, "change"),
            denominator=f"of {count(row.issues, 'issue')}, {count(row.clients_issued, 'client')}",
            confidence=graded(row.changes),
        )
        for row in changed[:MAX_STATEMENTS]
    )


def _ignoring(clients: Sequence[Client], unseen: int) -> tuple[Statement, ...]:
    """Who ignored state."""
    judged = [row for row in clients if row.judged]
    if not judged:
        return (
            Statement(
                text="The bodies that issue state were not recorded: no client is judged."
                if unseen
                else "No client was issued state that it could have presented: none is judged.",
                number="no client judged",
                denominator="0 verdicts that count",
                confidence="none",
            ),
        )
    at_fault = [row for row in judged if row.faults]
    statements = [_at_fault(judged, len({row.client for row in at_fault}))]
    if at_fault:
        statements.append(_worst(at_fault))
    return tuple(statements)


def _at_fault(judged: Sequence[Client], at_fault: int) -> Statement:
    names = len({row.client for row in judged})
    verdicts, faults = (sum(getattr(row, name) for row in judged) for name in ("judged", "faults"))
    return Statement(
        text=f"{count(at_fault, 'client')} of {names:,} ignored state at least once: "
        f"{faults:,} of {count(verdicts, 'verdict')} that count are faults."
        if at_fault
        else f"None: {count(names, 'client')} honoured all visible state.",
        number=count(at_fault, "client"),
        denominator=f"of {names:,} judged, {count(verdicts, 'verdict')}",
        confidence=graded(verdicts),
        tone=tone(faults, verdicts),
    )


def _several_sessions(clients: Sequence[Client]) -> tuple[Statement, ...]:
    """Which client held the most sessions at once: how it is judged, and how to tell users apart.

    Nothing if each held one at a time.
    """
    several = [row for row in clients if row.sessions_at_once > 1]
    if not several:
        return ()
    most = max(several, key=lambda row: (row.sessions_at_once, row.sessions, row.client))
    unjudged = sum(row.reasons.get(MANY_SESSIONS, 0) for row in several)
    others = len({row.client for row in several}) - 1
    return (
        Statement(
            text=f"`{most.client}` {_at(most.origin)} held several sessions at once"
            f"{f', and so did {count(others, "other client")}' if others else ''}. Such a client "
            "may be many users: it is judged session by session, and its requests without a "
            f"session key are not judged ({count(unjudged, 'verdict')}). Record with "
            "`--client-header` and audit with `--client-by header` to tell its users apart.",
            number=f"{most.sessions_at_once:,} at once",
            denominator=f"of {count(most.sessions, 'session')}",
            confidence=graded(most.sessions),
        ),
    )


def _worst(rows: Sequence[Client]) -> Statement:
    """Where compliance is lowest."""

    def compliance(row: Client) -> float:
        return (row.judged - row.faults) / row.judged

    worst = min(rows, key=lambda row: (compliance(row), -row.faults, row.client))
    return Statement(
        text=f"The least compliant is `{worst.client}` {_at(worst.origin)}.",
        number=percent(compliance(worst)),
        denominator=f"honoured, of {count(worst.judged, 'verdict')}",
        confidence=graded(worst.judged),
        tone=tone(worst.faults, worst.judged),
    )
