"""Profiles: the shipped ones, and one of your own."""

from pathlib import Path

import msgspec
import pytest

from rules.histories import HOUR, zest
from statetrail.analyses.tallies.use_tallies import LIMITS_S
from statetrail.errors import UsageError
from statetrail.rules import PROFILES, findings, load_profile
from support.histories import recording

HISTORY = [zest(0, "T1", "1"), zest(HOUR // 3, "T1", "T1"), zest(HOUR, "T1", "T1")]


@pytest.mark.parametrize(
    ("name", "exceeded"),
    [("nist-aal2", 0), ("nist-aal3", 2), ("owasp-low", 1), ("owasp-high", 2)],
)
def test_a_profile_decides_what_is_too_long(name: str, exceeded: int) -> None:
    """Pauses of 20 and of 40 minutes against 1 h, 15, 30 and 5 min."""
    rows = findings(recording(HISTORY, engine="pyarrow"), load_profile(name)).rows()
    told = [row for row in rows if row["rule"] == "idle-limit-exceeded"]
    assert sum(row["count"] for row in told) == exceeded
    assert all(name in row["message"] for row in told)
    assert all(PROFILES[name].references[0] in row["references"] for row in told)


@pytest.mark.parametrize("name", PROFILES)
def test_limits_that_are_counted_in_advance_count_as_others_do(name: str) -> None:
    """A limit that is shorter by less than a microsecond is none of a shipped profile."""
    shipped = PROFILES[name]
    idle_s, age_s = shipped.idle_max_s, shipped.age_max_s
    assert idle_s in LIMITS_S["idle"]
    assert age_s in LIMITS_S["age"]
    own = msgspec.structs.replace(shipped, idle_max_s=idle_s - 1e-9, age_max_s=age_s - 1e-9)
    moments = [*range(30), 30 + 5 / 60, 30.5, 32, 40, 80]  # in hours: enough to be cut
    rec = recording([zest(0, "T1", "1"), *(zest(h * HOUR, "T1", "T1") for h in moments)])
    first, second = (
        [
            {key: row[key] for key in ("rule", "count", "of", "first_us", "last_us", "evidence")}
            for row in findings(rec, profile).rows()
            if row["rule"] in ("idle-limit-exceeded", "age-limit-exceeded")
        ]
        for profile in (shipped, own)
    )
    assert first == second
    assert next(row["count"] for row in first if row["rule"] == "age-limit-exceeded") > 4


def test_a_profile_of_your_own_is_a_toml_file(tmp_path: Path) -> None:
    """Two profiles on one recording do not mix."""
    path = tmp_path / "ours.toml"
    path.write_text('name = "ours"\nidle_max_s = 1500\nage_max_s = 60\nbits_min = 8\n')
    rec = recording(HISTORY, engine="pyarrow")
    ours = {row["rule"]: row for row in findings(rec, load_profile(str(path))).rows()}
    assert "more than 25 min" not in ours["idle-limit-exceeded"]["message"].partition("Exp")[2]
    assert ours["idle-limit-exceeded"]["count"] == 1
    assert ours["age-limit-exceeded"]["count"] == 2
    assert "age-limit-exceeded" not in {row["rule"] for row in findings(rec).rows()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = 1", "Expected `str`"),
        ('name = "x"\nidle_max_s = -1\nage_max_s = 1\nbits_min = 1', "idle_max_s is -1"),
        ('name = "x"\nidle_max = 1', "unknown field"),
        ("[[", "is no profile"),
    ],
    ids=["of another type", "negative", "misspelt", "no TOML"],
)
def test_a_profile_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"bad\.toml is no profile") as refused:
        load_profile(str(path))
    assert message in str(refused.value)


def test_an_unknown_profile_names_the_known_ones() -> None:
    """A name, or a TOML file."""
    with pytest.raises(UsageError, match="unknown profile 'iso': choose from nist-aal2"):
        load_profile("iso")
    with pytest.raises(UsageError, match="there is no profile"):
        load_profile("missing.toml")
