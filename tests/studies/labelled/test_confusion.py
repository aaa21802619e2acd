"""Labelled clients in small: the tool judges as those who made the traffic know it to be."""

import pytest

import statetrail
from statetrail.analyses.conformance import verdict as engine
from statetrail.analyses.conformance.verdict import VERDICTS
from studies.labelled.confusion import (
    CAUSES,
    LEAST_CAUSES,
    Confusion,
    compare,
    compare_causes,
    record,
)
from studies.labelled.labels import FAULTS
from studies.simulation.clients import simulate

SEEDS = (4, 20, 21)


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Small captures: their recordings and their labels."""
    return [record(tmp_path_factory.mktemp("capture"), seed, 20, 1_000) for seed in SEEDS]


def test_every_verdict_is_the_label(captures):
    """No row differs, none is missing, none too many, and no innocent is blamed."""
    result = Confusion()
    for rec, labels in captures:
        compare(rec, labels, result)
    assert not result.wrong
    assert result.blamed == 0
    assert {meant for meant, _ in result.verdicts} == set(VERDICTS)


def test_root_causes_are_named_rightly(captures):
    """At least 95 % of the faults with one cause have that cause named."""
    result = Confusion()
    for rec, labels in captures:
        compare_causes(rec, labels, result)
    assert result.share_of_causes >= LEAST_CAUSES, result.wrong_causes
    assert {meant for meant, _ in result.causes} == set(CAUSES.values())


def test_the_labels_would_notice_an_engine_without_grace(captures):
    """Judged without grace, innocents are blamed: the traffic has the races that matter."""
    for rec, labels in captures:
        assert compare(statetrail.open(rec.paths, grace_ms=0), labels).blamed > 0


def test_a_seed_gives_one_world():
    """The same seed draws the same exchanges, another seed others."""
    assert simulate(5, 5, 100)[1] == simulate(5, 5, 100)[1]
    assert simulate(5, 5, 100)[1] != simulate(6, 5, 100)[1]


def test_the_faults_are_those_of_the_protocol_page():
    """The labels blame for the same verdicts as the tool."""
    assert set(FAULTS) == set(engine.FAULTS)
