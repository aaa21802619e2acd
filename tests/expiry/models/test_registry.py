"""The registry of models: names tested nowhere else, and a new model as one file and one line."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import statetrail
from statetrail.expiry import MODELS, POLICIES
from statetrail.report.audit import audit
from support.histories import Ex, recording, token, use

PACKAGE = Path(statetrail.__file__).parent
FIXTURE = Path(__file__).parent / "fixtures" / "use_count.py"
USES = 7


def test_every_policy_that_is_named_has_models_or_is_refined_from_one_that_has() -> None:
    """Priors of a policy's models are shares of it."""
    weighed = {model.policy.name for model in MODELS.values()}
    refined = {
        policy.refine(accepted, prompt)
        for policy in POLICIES.values()
        if policy.refine
        for accepted in (0, 1)
        for prompt in (0, 1)
    }
    assert {name for name, policy in POLICIES.items() if policy.is_named} <= weighed | refined
    for name in weighed - {"undetermined"}:
        assert abs(sum(m.prior for m in MODELS.values() if m.policy.name == name) - 1) < 1e-9
    for policy in POLICIES.values():
        assert policy.sentence.format(idle="…", age="…", lifetime="…")


def _is_policy(node: ast.expr) -> bool:
    """Whether an expression is a policy's name: ``row.policy``, ``row["policy"]``, ``policy``."""
    return (
        (isinstance(node, ast.Attribute) and node.attr == "policy")
        or (isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "'policy'")
        or (isinstance(node, ast.Name) and node.id == "policy")
        or (isinstance(node, ast.Call) and ast.unparse(node).endswith("col('policy')"))
    )


def test_no_name_of_a_policy_is_compared_outside_the_models() -> None:
    """Neither in code nor in the templates of reports."""
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "expiry" / "models"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and _is_policy(node.left):
                strings = [n.value for c in node.comparators for n in ast.walk(c)
                           if isinstance(n, ast.Constant) and isinstance(n.value, str)]  # fmt: skip
                assert not set(strings) & set(POLICIES), (path, node.lineno)
            assert not (isinstance(node, ast.Match) and _is_policy(node.subject)), path
    for path in PACKAGE.rglob("*.j2"):
        assert not any(f'policy == "{name}"' in path.read_text("utf-8") for name in POLICIES), path


def history() -> list[Ex]:
    """Clients whose tokens end at their seventh use, whatever their pauses."""
    random, exchanges = Random(5), []
    for client in range(5):
        now, shown, number, uses = random.uniform(0, 1e6), "1", 0, USES
        for _ in range(120):
            if uses >= USES:
                number, uses = number + 1, 0
            value = f"token-{client}-{number}"
            exchanges.append(
                Ex(now - 9, now, now + 9, [token(value)], [use(shown)], client=f"c{client}",
                   path="/API/V3/Cart")
            )  # fmt: skip
            shown, uses, now = value, uses + 1, now + 1000 * random.lognormvariate(3, 1.5)
    return exchanges


def audited() -> dict[str, str]:
    """What the audit says of the expiry of the history's tokens."""
    document = audit(recording(history(), engine="polars")).document
    (row,) = document.expiry
    lifetime = next(answer for answer in document.answers if answer.id == "lifetime")
    return {
        "policy": row.policy,
        "advice": row.advice,
        "text": lifetime.statements[0].text,
        "models": ", ".join(one.model for one in document.likelihoods),
    }


def test_a_new_model_is_one_file_and_one_line(tmp_path: Path) -> None:
    """It is weighed, named, and told in reports by a copy of the package that has it."""
    assert audited()["policy"] != "use-count"
    copy = tmp_path / "statetrail"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FIXTURE, copy / "expiry" / "models")
    registry = copy / "expiry" / "models" / "__init__.py"
    lines = registry.read_text("utf-8").splitlines(keepends=True)
    lines.insert(lines.index('    "eviction",\n') + 1, '    "use_count",\n')
    registry.write_text("".join(lines), "utf-8")
    tests = Path(__file__).parents[2]
    script = (
        "from expiry.models import test_registry as t; import json; print(json.dumps(t.audited()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (tmp_path, tests)))},
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    assert found["policy"] == "use-count"
    assert found["advice"] == "Count the uses of one token."
    assert "ends after a fixed number of uses." in found["text"]
    assert "use count" in found["models"]
