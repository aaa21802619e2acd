"""A token is so short that it can be guessed."""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.events.value_counts import issued_forms
from statetrail.analyses.events.values import issues
from statetrail.analyses.tokens.entropy import bits, united
from statetrail.rules.rule import (
    OCCURRENCE,
    Lazy,
    Profile,
    Recording,
    Rule,
    credentials,
    matching,
    occurrences,
    of_totals,
    value_totals,
)

_SUBJECT: Final = ("origin", "dialect", "param")
_LAYOUT: Final = pa.schema(
    [(name, pa.string()) for name in _SUBJECT] + [("length", pa.int64()), ("bound", pa.string())]
)


@Rule(
    title="Token short enough to be guessed",
    severity="high",
    confidence="high",
    observed="{count} of {of} issues of {param} were of a value that holds less than {bits_min} "
    "bits at best",
    expected="at least {bits_min} bits ({profile}); length times the logarithm of the alphabet's "
    "size is an upper bound, and a value that is not random holds less",
    remedy="Draw tokens from a cryptographic random generator, with 128 bits or more: 22 "
    "characters of base64url. Limit how many wrong tokens one address may present.",
    references=("ASVS 7.2.3", "NIST 5.1", "CWE 331"),
)
def check(rec: Recording, profile: Profile) -> Lazy:
    forms = issued_forms(rec).lazy.filter(credentials(rec) & ~nw.col("length").is_null())
    weak = _bounds(forms, profile)
    every = value_totals(rec, "issues", credentials(rec), per_client=False)
    if not len(weak):
        return every.select(*OCCURRENCE.names)
    issued = issues(rec).lazy.filter(credentials(rec))
    values = matching(issued, rec.place(weak), [*_SUBJECT, "length"], first="length")
    hits = occurrences(
        values, nw.lit(True), detail=nw.col("bound"), per_client=False, at="response_start_us"
    )
    return of_totals(hits, every)


def _bounds(issued: Lazy, profile: Profile) -> pa.Table:
    """The lengths of values that hold too few bits, by the alphabet of all of them."""
    forms = issued.select(*_SUBJECT, "length", "alphabet").unique().collect("pyarrow")
    lengths: dict[tuple[str, ...], set[int]] = {}
    alphabets: dict[tuple[str, ...], set[str]] = {}
    for row in forms.rows(named=True):
        subject = tuple(row[name] for name in _SUBJECT)
        lengths.setdefault(subject, set()).add(row["length"])
        alphabets.setdefault(subject, set()).add(row["alphabet"] or "")
    rows = []
    for subject, of_subject in sorted(lengths.items()):
        alphabet = united(sorted(alphabets[subject]))
        for length in sorted(of_subject):
            most = bits(length, alphabet) if alphabet else 0.0
            if most < profile.bits_min:
                rows.append((*subject, length, f"{length} characters, at most {most:.0f} bits"))
    return pa.Table.from_pylist(
        [dict(zip(_LAYOUT.names, row, strict=True)) for row in rows], schema=_LAYOUT
    )
