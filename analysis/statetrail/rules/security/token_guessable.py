"""A token is too short to be out of reach of guessing."""

from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.events.values import issues
from statetrail.analyses.exposure.shared import credentials
from statetrail.analyses.tokens.entropy import bits, united
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording
from statetrail.rules.occurrences import cases
from statetrail.rules.profiles import Profile
from statetrail.rules.rule import Rule
from statetrail.rules.sources import asvs, cwe, nist

_SUBJECT: Final = ("origin", "dialect", "param")
_LAYOUT: Final = pa.schema(
    [(name, pa.string()) for name in _SUBJECT]
    + [("length", pa.int64()), ("weak", pa.int64()), ("told", pa.string())]
)


def _measure(rec: Recording, profile: Profile) -> Lazy:
    issued = (
        issues(rec)
        .join(credentials(rec), on=["dialect", "param"])
        .with_columns(observed_us=nw.col("begun_us"))
    )
    forms = rec.place(_forms(issued, profile))
    told = issued.join(forms, on=[*_SUBJECT, "length"])
    return cases(
        told, nw.col("weak") == 1, detail=nw.col("told"), per_client=False, at="observed_us"
    )


def _forms(issued: Lazy, profile: Profile) -> pa.Table:
    """How many bits values of each length can hold, by the alphabet of all of them."""
    seen = issued.select(*_SUBJECT, "length", "alphabet").unique().collect("pyarrow")
    lengths: dict[tuple[str, ...], set[int]] = {}
    alphabets: dict[tuple[str, ...], set[str]] = {}
    for row in seen.rows(named=True):
        subject = tuple(row[name] for name in _SUBJECT)
        lengths.setdefault(subject, set()).add(row["length"])
        alphabets.setdefault(subject, set()).add(row["alphabet"] or "")
    rows = []
    for subject, found in sorted(lengths.items()):
        alphabet = united(sorted(alphabets[subject]))
        for length in sorted(found):
            most = bits(length, alphabet) if alphabet else 0.0
            rows.append(
                dict(zip(_SUBJECT, subject, strict=True))
                | {
                    "length": length,
                    "weak": int(most < profile.bits_min),
                    "told": f"{length} characters, at most {most:.0f} bits",
                }
            )
    return pa.Table.from_pylist(rows, schema=_LAYOUT)


RULE: Final = Rule(
    id="token-guessable",
    title="Token short enough to be guessed",
    severity="high",
    confidence="high",
    audience="api",
    observed="{count} of {of} issues of {param} were of a value that holds less than {bits_min} "
    "bits, whatever it was drawn from",
    expected="at least {bits_min} bits ({profile}): length times the logarithm of the alphabet "
    "bounds a value from above, and it holds less where it is not random",
    remedy="Draw tokens from a cryptographic random generator, 128 bits or more: 22 characters "
    "of base64url. Limit how many wrong tokens one address may present.",
    references=(
        asvs("7.2.3"),
        nist("5.1"),
        cwe(331),
    ),
    measure=_measure,
)
