"""What a capture teaches of restricted parameters."""

import pytest

from statetrail.analyses.events.allowance import allowance
from statetrail.recording.engines import Engine
from support.histories import Ex, Present, recording

ENGINES = pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars"])


@ENGINES
def test_a_capture_teaches_where_authentication_goes(engine: Engine) -> None:
    """Allowed where it succeeds twice, refused where only requests with it fail; else nothing."""
    show = [Present("Authentication", "A")]

    def ask(path: str, status: int, *, shown: bool = True) -> Ex:
        return Ex(0, 10, 20, [], show if shown else [], path=f"/services/v3/{path}", status=status)

    history = [
        *(ask("profiles", 200), ask("profiles", 204)),
        ask("once", 200),
        *(ask("menus", 403), ask("menus", 200, shown=False)),
        *(ask("mixed", 200), ask("mixed", 200), ask("mixed", 401)),
        *(ask("broken", 400), ask("broken", 500, shown=False)),
        *(ask("down", 500), ask("down", 200, shown=False)),
    ]
    learned = allowance(recording(history, engine=engine))
    assert {(endpoint, allowed) for ((_, _, endpoint), _), allowed in learned.items()} == {
        ("/services/v3/profiles", True),
        ("/services/v3/menus", False),
    }
