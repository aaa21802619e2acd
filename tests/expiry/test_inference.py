"""Policies and intervals of made servers, of simulated captures, and what may never change them."""

import ast
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np
import pytest

from expiry.samples import Dies, evidence, two_populations
from statetrail.analyses.lifetimes.expiry import expiry
from statetrail.expiry import Evidence, infer
from statetrail.expiry.advice import advice
from statetrail.recording.frames import Recording
from studies.simulation import draw, origin, tables

CHANCE = Random(3)


@pytest.mark.parametrize(
    ("dies", "policy"),
    [
        pytest.param(lambda idle, age: idle >= 1800, "idle", id="idle"),
        pytest.param(lambda idle, age: age >= 7200, "age", id="age"),
        pytest.param(
            lambda idle, age: idle >= 1800 or age >= 5000, "idle+absolute", id="idle and absolute"
        ),
        pytest.param(lambda idle, age: True, "per-request", id="each use"),
        pytest.param(
            lambda idle, age: CHANCE.random() > np.exp(-idle / 9000), "eviction", id="by chance"
        ),
        pytest.param(
            lambda idle, age: idle >= 1800 or CHANCE.random() < 0.002,
            "idle",
            id="idle, with losses",
        ),
        pytest.param(lambda idle, age: False, "none-seen", id="never"),
    ],
)
def test_a_made_server_is_named(dies: Dies, policy: str) -> None:
    """Each kind of server, by a dozen clients."""
    found = infer(evidence(dies))
    assert found.policy == policy
    if policy in ("idle", "idle+absolute"):
        assert found.idle.low_s is not None
        assert found.idle.high_s is not None
        assert found.idle.low_s < 1800 <= found.idle.high_s
        assert found.idle.sharp.low_s is not None
        assert found.idle.low_s <= found.idle.sharp.low_s


def test_two_populations_are_mixed() -> None:
    """Also where clients find the ends of what others were given and used."""
    both = two_populations()
    assert infer(both).policy == "mixed"
    shared = both.fatal[both.value[both.fatal] == both.value[both.fatal - 1]][::3]
    assert len(shared) > 10
    client = both.client.copy()
    client[shared] = (client[shared] + 12) % 24
    assert infer(replace(both, client=client)).policy == "mixed"


@pytest.mark.parametrize(
    ("dies", "policy"),
    [
        pytest.param(lambda idle, age: idle >= 1800, "idle", id="idle"),
        pytest.param(lambda idle, age: True, "per-request", id="each use"),
        pytest.param(lambda idle, age: age >= 7200, "undetermined", id="age"),
        pytest.param(
            lambda idle, age: idle >= 1800 or age >= 5000, "undetermined", id="idle and absolute"
        ),
        pytest.param(
            lambda idle, age: CHANCE.random() > np.exp(-idle / 9000), "undetermined", id="by chance"
        ),
    ],
)
def test_without_a_birth_nothing_is_said_that_hangs_on_the_age(dies: Dies, policy: str) -> None:
    """Every value was issued before the capture."""
    uses = evidence(dies)
    found = infer(replace(uses, age_high_s=np.full(len(uses), np.inf)))
    assert found.policy == policy
    assert found.age.high_s is None
    ends = len(uses.fatal)
    said = f"{ends} of {ends} ended tokens were issued before the capture" in advice(
        found, ends, 12
    )
    assert said is (policy == "undetermined")


def test_too_few_ends_leave_the_policy_undetermined() -> None:
    """However clear they look: two ends, or the ends of one client."""
    clear = evidence(lambda idle, age: idle >= 1800)
    first = np.isin(clear.value, clear.value[clear.fatal[:2]])
    assert infer(clear.where(first | ~np.isin(clear.value, clear.value[clear.ended]))).policy in (
        "undetermined",
        "none-seen",
    )
    assert infer(evidence(lambda idle, age: idle >= 1800, clients=1)).policy == "undetermined"


def test_the_order_and_the_names_of_values_and_clients_do_not_matter() -> None:
    """The same uses shuffled and renamed give the same answer, every time."""
    plain = evidence(lambda idle, age: idle >= 1800)
    order = np.random.default_rng(0).permutation(len(plain))
    columns = {n: getattr(plain, n)[order] for n in Evidence.__dataclass_fields__}
    columns["value"] = 7 - columns["value"]
    columns["client"] = -columns["client"]
    one, two = infer(plain), infer(Evidence.of(**columns))
    assert (one.policy, one.idle, one.age) == (two.policy, two.idle, two.age)
    assert one.selection.posterior == pytest.approx(two.selection.posterior)


@pytest.mark.parametrize(
    ("policy", "names"),
    [
        ("idle", {"idle"}),
        ("absolute", {"age", "absolute"}),
        ("periodic", {"age", "periodic"}),
        ("idle+absolute", {"idle+absolute"}),
        ("per-request", {"per-request"}),
        ("mixed", {"mixed"}),
        ("idle-losses", {"idle"}),
        ("idle-sweeper", {"idle"}),
        ("idle-throttled", {"idle"}),
        ("none", {"none-seen"}),
    ],
)
def test_simulated_worlds_are_named(policy: str, names: set[str]) -> None:
    """Of four captures with 100 values three are named and held, and none is named wrongly."""
    captures = [draw(policy, 100, seed) for seed in range(100, 104)]
    rows = {
        r["origin"]: r for r in expiry(Recording(tables([one.view for one in captures]))).rows()
    }
    found = [rows[origin(number)] for number in range(len(captures))]
    assert sum(row["policy"] in names for row in found) >= 3
    assert {row["policy"] for row in found} <= names | {"undetermined"}
    if policy.startswith("idle") and policy != "idle+absolute":
        held = [
            row["idle_low_s"] < capture.truth.policy.idle_s <= row["idle_high_s"]
            for capture, row in zip(captures, found, strict=True)
        ]
        assert sum(held) >= 3


def test_the_inference_can_read_nothing_but_arrays() -> None:
    """It imports NumPy and itself, so that no label, frame, clock or chance can reach it."""
    folder = Path(find_spec("statetrail.expiry").origin).parent
    allowed = {
        "numpy",
        "importlib",
        "collections",
        "dataclasses",
        "functools",
        "itertools",
        "typing",
    }
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                own = name.startswith(("statetrail.expiry", "statetrail.errors"))
                drawn = path.name == "estimators.py" and name in ("altair", "pandas")
                assert own or drawn or name.split(".")[0] in allowed, (path.name, name)
                assert "random" not in name


@pytest.mark.parametrize("seed", [170, 280, 310])
def test_the_oldest_of_many_losses_is_no_limit_on_the_age(seed: int) -> None:
    """One use in a hundred loses its value; in these captures the oldest of all is lost so."""
    chance = Random(seed)
    uses = evidence(
        lambda idle, age: idle >= 1800 or chance.random() < 0.01, clients=12, uses=150, seed=seed
    )
    found = infer(uses)
    assert found.policy == "idle"
    assert found.unexplained_ends > 10
