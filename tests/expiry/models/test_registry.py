"""The registry of models: its priors, and that policies are named nowhere else."""

import ast
from pathlib import Path

import statetrail
from statetrail.expiry import MODELS, POLICIES

PACKAGE = Path(statetrail.__file__).parent


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
    refined |= {policy.unsharp for policy in POLICIES.values()}
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
        # An origin of the demo has a policy of its own, by which its sessions end.
        if any(path.is_relative_to(PACKAGE / part) for part in ("expiry/models", "demo/origins")):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and _is_policy(node.left):
                strings = [n.value for c in node.comparators for n in ast.walk(c)
                           if isinstance(n, ast.Constant) and isinstance(n.value, str)]  # fmt: skip
                assert not set(strings) & set(POLICIES), (path, node.lineno)
            assert not (isinstance(node, ast.Match) and _is_policy(node.subject)), path
    for path in PACKAGE.rglob("*.j2"):
        assert not any(f'policy == "{name}"' in path.read_text("utf-8") for name in POLICIES), path
