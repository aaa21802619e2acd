"""Mistakes: what loads, and is told all the same by its key."""

from pathlib import Path

import pytest

from dialects.test_every_key import FILE
from statetrail.dialects import builtin, load
from statetrail.dialects.loading import located
from statetrail.dialects.mistakes import mistakes

EVERY = FILE.read_text("utf-8")
OWN = """name = "own"
title = "Own"
[[param]]
name = "Own"
"""


@pytest.mark.parametrize(
    ("good", "bad", "key", "text"),
    [
        ('order = ["/shop', 'order = ["POST /shop', "scope.order", "'POST /shop/order' has a blan"),
        ('own_state = ["/shop/basket/**"]', "", "scope.state_methods", "has no effect without"),
        ('header = "x-{param}"', 'header = "x-own"', "family.present[0]", "'x-own' is one place"),
        (', grammar = "value;usage/priority"', "", "family.place", "no issue says where its"),
        ('establish = "new"', "", "param[0].restart", "has no effect without `establish`"),
        ('ends = [{ form', 'required = "learned"\nends = [{ form',
         "param[2].required", "no response refuses a request without it"),
        ('methods = ["POST"', 'methods = ["Post"', "param[1].methods", "'Post' is no method: wri"),
        ('required = "always"', 'required = "never"', "param[1].methods", "has no effect, since n"),
        ('not_on = ["/shop/form/free"]', 'not_on = ["/shop/form/**"]', "param[1].not_on", "'/shop"),
        ('instead = ["Token"]', 'instead = ["Proof"]', "param[1].instead", "Proof cannot free fro"),
        ('tied_to = ["Session"', 'tied_to = ["Sesion"', "param[1].tied_to", "'Sesion' is no param"),
        ('clear = "[a-z]{2}"', 'clear = "[a-z0-9-]+"', "param[3].clear", "'[a-z0-9-]+' matches wh"),
        ("lifetime = 60", 'lifetime = "/a"', "param[3].issue[0].lifetime", "only a place in a JS"),
        ("lifetime = 60", "tells = true", "param[3].issue[0].tells", "has no effect: `paths` say"),
        ('{ json = "/token", on = ["POST /shop/token"],', '{ json = "/id",',
         "param[2].issue[0].json", "nearly every response in scope has this"),
        ('json = "/auth/token" }', 'form = "proof" }', "param[2].present[1]", "Proof is present"),
        ('cookie = "sid", status', 'header = "x-sid", status', "param[0].lifetime", "no cookie is"),
    ],
)  # fmt: skip
def test_a_mistake_is_told(tmp_path: Path, good: str, bad: str, key: str, text: str) -> None:
    """One mistake, one line."""
    assert good in EVERY
    path = tmp_path / "own.toml"
    path.write_text(EVERY.replace(good, bad, 1))
    found = {each.key: each.text for each in mistakes(load(path))}
    assert found[key].startswith(text)
    line = EVERY[: EVERY.index(good)].count("\n") + 1
    said = located(path, key)
    assert said.startswith(f"{path}, line ")
    if key.rpartition(".")[2] in bad:
        assert said == f"{path}, line {line}: {key}"


@pytest.mark.parametrize(
    ("places", "text"),
    [
        ('issue = [{ header = "x-own" }]', "no request presents Own, so nothing is judged"),
        ('present = [{ header = "x-own" }]', "no response issues Own, so nothing is judged"),
        ('present = [{ header = "x-own" }]\nuses = 1', "nothing shows where the dialect is spoken"),
    ],
)
def test_half_a_dialect(tmp_path: Path, places: str, text: str) -> None:
    """Values that only one side has."""
    path = tmp_path / "own.toml"
    path.write_text(OWN + places)
    assert any(each.text.startswith(text) for each in mistakes(load(path)))


def test_an_idle_grace_period(tmp_path: Path) -> None:
    """Where nothing ends a value, none is taken longer."""
    path = tmp_path / "own.toml"
    both = 'issue = [{ header = "x-own" }]\npresent = [{ header = "x-own" }]\n'
    path.write_text(OWN + both + 'supersedes = "none"\ngrace_s = 5\n')
    assert [each.key for each in mistakes(load(path))] == ["param[0].grace_s"]


@pytest.mark.parametrize("name", builtin())
def test_built_in_dialects_have_none(name: str) -> None:
    """They are what the checks were measured on."""
    assert mistakes(builtin()[name]) == []
