"""`statetrail compare`, and an audit with a baseline, a profile and suppressions."""

import csv
import io
import json
from pathlib import Path

import pytest

from support.commands import run
from support.hars import entry, headers, write_har

HOSTILE = "evil[red]\x1b]0;title\x07=1+1"


def record(folder: Path, name: str, sends: dict[str, bool]) -> Path:
    """A store with a client for each name, and whether it presents the language."""
    entries = [
        entry(
            "https://shop.example/services/v3/products",
            startedDateTime=f"2024-05-01T10:00:{n:02}Z",
            request__headers=headers(
                ("User-Agent", agent), *([("X-LangId", "1")] if obeys else [])
            ),
            issued=[("X-Set-LangId", "1;header/forced")],
        )
        for n in range(0, 20, 2)
        for agent, obeys in sends.items()
    ]
    write_har(folder / f"{name}.har", *entries)
    assert run("import", folder / f"{name}.har", "--store", folder / f"{name}.sqlite").code == 0
    return folder / f"{name}.sqlite"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Before and after a release: `one` has learned to obey, a hostile one has come."""
    folder = tmp_path_factory.mktemp("stores")
    before = record(folder, "before", {"one": False, "two": False})
    return before, record(folder, "after", {"one": True, "two": False, HOSTILE: False})


def test_two_stores_are_compared(stores: tuple[Path, Path], tmp_path: Path) -> None:
    """What is new, fixed and unchanged, for people and as JSON; hostile names do nothing."""
    done = run(
        *("compare", *stores, "--json", tmp_path / "c.json", "--fail-on", "medium"),
        # By default each imported file is a client of its own.
        *("--client-by", "peer,user-agent"),
    )
    assert done.code == 1
    assert "1 new finding of severity medium or higher" in done.err
    states = {tuple(line.split()[:3]) for line in done.out.splitlines()}
    assert {
        ("state-not-implemented,", "state-omitted", "new"),
        ("state-not-implemented,", "state-omitted", "fixed"),
        ("state-not-implemented,", "state-omitted", "unchanged"),
    } <= states
    assert "\x1b" not in done.out
    data = json.loads((tmp_path / "c.json").read_text())
    assert {one["client"] for one in data["fixed"] if one["client"]} == {"- | one"}
    assert run("compare", stores[0], stores[0], "--fail-on", "info").code == 0


def test_a_baseline_fails_on_what_is_new_alone(stores: tuple[Path, Path], tmp_path: Path) -> None:
    """`audit --baseline`: the earlier audit.json."""
    old, new = tmp_path / "old.json", tmp_path / "new.csv"
    assert run("audit", stores[1], "--json", old).code == 0
    done = run("audit", stores[1], "--baseline", old, "--fail-on", "info", "--csv", new)
    assert done.code == 0
    assert "0 new, 0 fixed" in done.out
    rows = list(csv.DictReader(io.StringIO(new.read_text("utf-8"))))
    assert {row["state"] for row in rows} == {"unchanged"}
    assert not any(cell.lstrip().startswith("=") for row in rows for cell in row.values())


def test_suppressed_findings_do_not_fail(stores: tuple[Path, Path], tmp_path: Path) -> None:
    """`audit --suppress`: with a reason, until a day; after that they are back."""
    accepted = tmp_path / "accepted.toml"
    decision = '[[suppress]]\nrule = "{}"\nreason = "known"\nuntil = {}\n'
    rules = ("state-omitted", "state-not-implemented")
    accepted.write_text("".join(decision.format(rule, "2999-12-31") for rule in rules))
    done = run("audit", stores[0], "--suppress", accepted, "--fail-on", "medium")
    assert done.code == 0, done.out
    assert "2 findings suppressed" in done.out
    accepted.write_text("".join(decision.format(rule, "2020-12-31") for rule in rules))
    done = run("audit", stores[0], "--suppress", accepted, "--fail-on", "medium")
    assert done.code == 1
    assert "the suppression of state-omitted ended on 2020-12-31" in done.out


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--profile", "iso", "unknown profile 'iso'"),
        ("--suppress", "missing.toml", "there is no suppression file"),
        ("--baseline", "missing.json", "there is no audit"),
    ],
)
def test_what_is_not_there_is_misuse(
    stores: tuple[Path, Path], option: str, value: str, message: str
) -> None:
    """One line and exit code 2."""
    done = run("audit", stores[0], option, value)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_inputs_are_never_overwritten(stores: tuple[Path, Path], tmp_path: Path) -> None:
    """A baseline cannot be the output."""
    old = tmp_path / "old.json"
    old.write_text("{}")
    done = run("audit", stores[0], "--baseline", old, "--json", old)
    assert done.code == 2
    assert old.read_text() == "{}"
