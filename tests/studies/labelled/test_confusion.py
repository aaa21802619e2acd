"""Labelled clients in small: the tool judges as those who made the traffic know it to be."""

import ast
from pathlib import Path

import pytest

import statetrail
from statetrail.analyses.conformance import verdicts as engine
from statetrail.analyses.conformance.verdicts import VERDICTS
from studies.labelled.confusion import (
    CAUSES,
    LEAST_CAUSES,
    Confusion,
    compare,
    compare_causes,
    record,
)
from studies.labelled.labels import FAULTS
from studies.labelled.world import simulate

SEEDS = (4, 20, 21)
HERE = Path(__file__).parent

pytestmark = pytest.mark.xdist_group("labelled")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    """Small worlds: their recordings and their labels."""
    return [record(tmp_path_factory.mktemp("world"), seed, 20, 1_000) for seed in SEEDS]


def test_every_verdict_is_the_label(worlds):
    """No row differs, none is missing, none too many, and no innocent is blamed."""
    result = Confusion()
    for rec, labels in worlds:
        compare(rec, labels, result)
    assert not result.wrong
    assert result.blamed == 0
    assert {meant for meant, _ in result.verdicts} == set(VERDICTS)


def test_root_causes_are_named_rightly(worlds):
    """At least 95 % of the faults with one cause have that cause named."""
    result = Confusion()
    for rec, labels in worlds:
        compare_causes(rec, labels, result)
    assert result.share_of_causes >= LEAST_CAUSES, result.wrong_causes
    assert {meant for meant, _ in result.causes} == set(CAUSES.values())


def test_the_labels_would_notice_an_engine_without_grace(worlds):
    """Judged without grace, innocents are blamed: the traffic has the races that matter."""
    for rec, labels in worlds:
        assert compare(statetrail.open(rec.paths, grace_ms=0), labels).blamed > 0


def test_a_seed_gives_one_world():
    """The same seed draws the same exchanges, another seed others."""
    assert simulate(5, 5, 100)[1] == simulate(5, 5, 100)[1]
    assert simulate(5, 5, 100)[1] != simulate(6, 5, 100)[1]


def test_the_generator_does_not_know_the_engine():
    """Nothing that makes traffic or labels imports the package."""
    for path in HERE.glob("*.py"):
        if path.name in ("confusion.py", Path(__file__).name):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            names.append(getattr(node, "module", None) or "")
            assert not any(name.startswith("statetrail") for name in names), path.name


def test_the_faults_are_those_of_the_protocol_page():
    """The labels blame for the same verdicts as the tool."""
    assert set(FAULTS) == set(engine.FAULTS)
