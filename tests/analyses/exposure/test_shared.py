"""Shared credentials, by hand, the same on every in-process engine."""

from typing import Any

import pytest

from statetrail.analyses.exposure.shared import is_credential, shared
from statetrail.dialects import Param, builtin
from statetrail.recording.engines import Engine
from statetrail.recording.frames import Recording
from support.histories import Ex, facts, recording, token, use

ENGINES = pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])


def cart(start: float, issued: str | None, shown: str, client: str = "app", **options: Any) -> Ex:
    """A ZEST exchange on the cart."""
    gave = [] if issued is None else [token(issued)]
    return Ex(
        start, start + 10, start + 20, gave, [use(shown)], client, path="/API/V3/Cart", **options
    )


def test_credentials_are_what_one_may_act_with() -> None:
    """Session keys; no ids, however secret, not a visitor's either, and no settings."""
    known = (builtin()[name] for name in ("zest", "52eseller"))
    named = {param.name for dialect in known for param in dialect.params if is_credential(param)}
    assert named == {"_session_token", "Ticket", "Authentication"}


@pytest.mark.parametrize("said", [True, False])
def test_a_dialect_says_what_is_a_credential(said: bool) -> None:
    """Whatever its name is, and whoever makes its values."""
    for minted, name in ((True, "VisitorId"), (False, "Ticket"), (False, "LangId")):
        one = Param(name=name, minted=minted, credential=said)
        assert is_credential(one) is said


@ENGINES
def test_who_shares_a_token_and_how_they_got_it(engine: Engine) -> None:
    """Handed by the server, taken from another client, or of unseen birth."""
    history = [
        cart(0, "H", "1"), cart(100, None, "H"), cart(5, "H", "1", "bot"),
        cart(200, None, "H", "bot"),
        cart(0, "T", "1", "one"), cart(100, "T", "T", "one"), cart(300, "T", "T", "two"),
        cart(400, "T", "T", "two"),
        cart(0, None, "U", "three"), cart(100, None, "U", "four"),
        cart(0, "O", "1", "five"), cart(100, None, "O", "five"),
    ]  # fmt: skip
    found = {
        (row["client"], row["how"], row["uses"], row["clients"], row["first_id"])
        for row in shared(recording(history, engine=engine)).rows()
    }
    assert found == {
        *(("app", "handed", 1, 2, 2), ("bot", "handed", 1, 2, 4)),
        *(("one", "handed", 1, 2, 6), ("two", "taken", 2, 2, 7)),
        *(("three", "unseen", 1, 2, 9), ("four", "unseen", 1, 2, 10)),
    }


@ENGINES
def test_nothing_recorded_is_nothing_shared(engine: Engine) -> None:
    """No row, and no error where a column has no type of its own."""
    assert shared(recording([], engine=engine)).rows() == []


@pytest.mark.parametrize(
    ("agent", "since", "how"),
    [("app", 1000, "moved"), ("app", 50, "taken"), ("bot", 1000, "taken")],
)
def test_a_program_that_moved_shares_nothing(agent: str, since: float, how: str) -> None:
    """It goes on at another address, after its last request at the first one, by the same name."""
    first = [
        cart(at, "T", shown, extra={"peer": "192.0.2.1"}) for at, shown in ((0, "1"), (100, "T"))
    ]
    then = [cart(since + n, "T", "T", agent, extra={"peer": "192.0.2.7"}) for n in (0, 1)]
    rec = Recording(facts([*first, *then]), client_by=("peer", "user-agent"))
    rows = {row["client"]: row["how"] for row in shared(rec).rows()}
    assert rows == {"192.0.2.1 | app": "handed", f"192.0.2.7 | {agent}": how}
