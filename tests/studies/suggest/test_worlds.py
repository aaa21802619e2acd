"""The study in small: one world of each kind, with one client and with several."""

from pathlib import Path

import pytest

from statetrail.dialects import load
from statetrail.dialects.mistakes import mistakes
from statetrail.suggest import dialect_toml, suggest
from studies.suggest.run import made
from studies.suggest.truth import CASES, found_places


@pytest.mark.parametrize("clients", [1, 3])
@pytest.mark.parametrize("name", CASES)
def test_a_worlds_state_is_found_and_nothing_else(name: str, clients: int, tmp_path: Path) -> None:
    """Every place of its state is suggested, none that only looks like it; it is a dialect."""
    found = suggest([made(name, clients, 7, tmp_path)])
    assert found_places(found) == CASES[name].places
    if found.proposals:
        (tmp_path / "own.toml").write_text(dialect_toml("own", found.proposals, []), "utf-8")
        dialect = load(tmp_path / "own.toml")
        assert mistakes(dialect) == []
        params = dialect.params
        assert {each.name for each in params} == {each.name for each in found.proposals}


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("django", "django-mask"),
        ("flask-wtf", "before-dot"),
        ("tornado", "tornado-xsrf"),
        ("woocommerce", "jwt-claims"),
        ("rails", "xor-halves"),
    ],
)
def test_the_canonical_form_of_masked_tokens_is_named(name: str, same: str, tmp_path: Path) -> None:
    """Tokens that are written anew each time are told by what stays the same in them."""
    assert same in {each.same for each in suggest([made(name, 2, 7, tmp_path)]).proposals}
