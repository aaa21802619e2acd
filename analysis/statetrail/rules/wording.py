"""Findings in words: one row of `FINDINGS` from what a rule found of one subject.

Enters: hits, and the names of what they point to. Leaves: a row. One against a client names the
sessions of the first occurrences by their pseudonyms, since a client may hold many.

A severity of high needs evidence that leaves nothing open (rule L11): of a client's fault the root
cause, or that the server refused what it did. Without it the severity is medium, and the finding
says what would settle it (`Rule.open`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from statetrail.dialects import Dialect
from statetrail.rules.hits import Hits
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import Confidence, Severity

_ARTICLE: Final = re.compile(r"\ba (?=\{param\})")
_MAX_DETAILS: Final = 3
_MAX_SESSIONS: Final = 3


def worded(
    hits: Hits,
    evidence: Sequence[int],
    details: Sequence[str],
    names: Sequence[str],
    profile: Profile,
    dialects: Sequence[Dialect],
) -> dict[str, Any]:
    """The row of a finding.

    Parameters
    ----------
    hits
        What was found.
    evidence
        Exchange ids, the primary one first.
    details
        Those of the first occurrences, with the requests that they name.
    names
        The pseudonyms of their sessions.
    dialects
        Those of the parameter, empty where it is about none.
    """
    rule, (client, origin, param) = hits.rule, hits.subject
    expected = _worded(rule.expected, hits, profile)
    severity, confidence = grades(hits)
    return {
        "rule": rule.id,
        "also": "\n".join(one.rule.id for one in hits.also) or None,
        "title": rule.title,
        "severity": severity,
        "confidence": confidence,
        "audience": rule.audience,
        "client": client or None,
        "origin": origin or None,
        "param": param or None,
        "count": hits.count,
        "of": hits.of,
        "faults": hits.faults,
        "first_us": hits.span_us[0],
        "last_us": hits.span_us[1],
        "sessions": "\n".join(names) or None,
        "message": f"{_observed(hits, profile)}{_details(hits, details)}{_sessions(hits, names)}. "
        f"Expected: {expected}.{_root_causes(hits.causes)}{_open(hits)}{_also(hits, profile)}",
        "remedy": rule.remedy,
        "references": "\n".join(dict.fromkeys(_sources(hits, profile, dialects))),
        "evidence": ",".join(map(str, evidence)),
    }


def _worded(template: str, hits: Hits, profile: Profile) -> str:
    """A rule's template with its words."""
    param = hits.subject[-1]
    if param[:1].lower() in (*"aeiou",):
        template = _ARTICLE.sub("an ", template)
    words = {"count": f"{hits.count:,}", "of": f"{hits.of:,}", "param": param}
    return template.format(**words, **profile.words)


def _observed(hits: Hits, profile: Profile) -> str:
    return _worded(hits.rule.observed, hits, profile)


def _also(hits: Hits, profile: Profile) -> str:
    """What the other rules say of the same exchanges."""
    return "".join(f" Also {one.rule.id}: {_observed(one, profile)}." for one in hits.also)


def _sources(hits: Hits, profile: Profile, dialects: Sequence[Dialect]) -> Iterator[str]:
    for one in (hits, *hits.also):
        yield from one.rule.sources(profile, dialects)


def _details(hits: Hits, details: Iterable[str]) -> str:
    """The first details in parentheses, with an ellipsis where there are more."""
    distinct = list(dict.fromkeys(one for one in details if one))
    if not distinct:
        return ""
    more = len(distinct) > _MAX_DETAILS or hits.count > len(hits.first)
    return f" ({', '.join(distinct[:_MAX_DETAILS])}{', …' if more else ''})"


def _sessions(hits: Hits, names: Sequence[str]) -> str:
    """The sessions of the first hits, with an ellipsis where there are, or may be, more."""
    if not names:
        return ""
    more = len(names) > _MAX_SESSIONS or hits.count > len(hits.first)
    first = "first " if more else ""
    which = "session" if len(names) == 1 else "sessions"
    return f", {first}in {which} {', '.join(names[:_MAX_SESSIONS])}{', …' if more else ''}"


def grades(hits: Hits) -> tuple[Severity, Confidence]:
    """Severity and confidence."""
    return "medium" if _lacks_proof(hits) else hits.rule.severity, hits.rule.confidence


def _lacks_proof(hits: Hits) -> bool:
    return hits.rule.severity == "high" and not hits.proven


def _open(hits: Hits) -> str:
    """What would settle that the severity is high, where nothing shows it."""
    return f" Open: {hits.rule.open}." if _lacks_proof(hits) and hits.rule.open else ""


def _root_causes(causes: Counter[str]) -> str:
    """The causes as a sentence, the most frequent first."""
    if not causes:
        return ""
    named = [
        f"{cause} ({times})"
        for cause, times in sorted(causes.items(), key=lambda item: (-item[1], item[0]))
    ]
    return f" Root cause: {', '.join(named)}."
