"""The small captures whose right answer is known: nobody is blamed who did no wrong."""

from pathlib import Path
from typing import Any

import pytest

from statetrail.analyses.conformance.clients import clients
from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.analyses.sessions.sessions import sessions
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import import_files
from statetrail.recording.frames import Recording, open_recording
from statetrail.rules import findings
from statetrail.store.sqlite import SqliteStore

TRUTH = Path(__file__).with_name("truth")

type Row = tuple[int, str, str, str | None]
"""Exchange, parameter, verdict, reason."""


def imported(folder: Path, *names: str) -> Recording:
    """The captures in one store, with the options that a user gets by default."""
    store = folder / "truth.sqlite"
    with SqliteStore.create_or_open(store) as db:
        import_files(
            [TRUTH / name for name in names], db, ExtractorConfig(select(), db.fingerprinter)
        )
    return open_recording(store)


def rows_of(rec: Recording, *, of: str = "") -> list[Row]:
    """The verdicts that differ from `of`."""
    return [
        (row["exchange_id"], row["param"], row["verdict"], row["reason"])
        for row in verdicts(rec).rows()
        if row["verdict"] != of
    ]


TOKEN = "_session_token"
CASES: dict[str, tuple[tuple[str, ...], list[Row], int]] = {
    # The rows that are not honoured, and how many are.
    "two sessions of one sender": (
        ("two-sessions-one-client.har",),
        [(2, TOKEN, "restarted", "many-sessions")],
        6,
    ),
    "two tickets of one sender": (
        ("two-tickets-one-client.har",),
        [
            (2, "LangId", "not-applicable", "many-sessions"),
            (2, "Ticket", "not-applicable", "many-sessions"),
        ],
        12,
    ),
    "two people, a file each": (("two-people-1.har", "two-people-2.har"), [], 14),
    "a language chosen back": (
        ("language-back.har",),
        [(2, "LangId", "overridden", None), (3, "LangId", "overridden", "earlier-value")],
        0,
    ),
    "a value that was issued malformed": (
        ("malformed-informational.har",),
        [(3, "LangId", "overridden", "earlier-value")],
        0,
    ),
    "a redirect that lacks the token": (
        ("redirect-loses-token.har",),
        [(3, TOKEN, "not-applicable", "redirected")],
        2,
    ),
    "a token that came with an error": (("token-on-503.har",), [], 4),
    "a new session after a day": (
        ("new-day.har",),
        [(3, TOKEN, "restarted", "new-session")],
        2,
    ),
    "a new session after a logout": (
        ("after-logout.har",),
        [(3, TOKEN, "restarted", "new-session")],
        2,
    ),
    "an image that can send no header": (
        ("image.har",),
        [(2, "Ticket", "not-applicable", "cannot-carry")],
        0,
    ),
    "a cart that was ordered": (("cart-after-order.har",), [], 4),
    "a clock that was set back": (("clock-back.flows",), [(3, TOKEN, "in-flight", None)], 5),
}


@pytest.mark.parametrize(("names", "others", "honoured"), CASES.values(), ids=CASES.keys())
def test_nobody_is_blamed(
    names: tuple[str, ...], others: list[Row], honoured: int, tmp_path: Path
) -> None:
    """Each row that is not honoured has its reason, and no finding accuses the client."""
    rec = imported(tmp_path, *names)
    assert rows_of(rec, of="honoured") == others
    assert sum(row["verdict"] == "honoured" for row in verdicts(rec).rows()) == honoured
    assert not any(row["fault"] for row in verdicts(rec).rows())
    assert {row["compliance"] for row in clients(rec).rows()} <= {1.0, None}
    assert accusing(rec) == []


def accusing(rec: Recording) -> list[dict[str, Any]]:
    """The findings against clients that are more than information."""
    return [
        row
        for row in findings(rec).rows()
        if row["audience"] == "client" and row["severity"] != "info"
    ]


def test_the_sessions_of_a_sender_are_counted(tmp_path: Path) -> None:
    """Two at once behind one address; two files are two clients with one each."""
    (backend,) = clients(imported(tmp_path, "two-sessions-one-client.har")).rows()
    assert (backend["sessions"], backend["sessions_at_once"]) == (2, 2)
    (tmp_path / "people").mkdir()
    people = clients(imported(tmp_path / "people", "two-people-1.har", "two-people-2.har")).rows()
    assert [row["sessions"] for row in people] == [1, 1]


def test_a_cart_that_was_ordered_is_not_lost(tmp_path: Path) -> None:
    """The session was reset an hour after the order (L10)."""
    rows = sessions(imported(tmp_path, "cart-after-order.har")).rows()
    assert [(row["end"], row["cart_writes_lost"]) for row in rows if row["cart_writes"]] == [
        ("reset", 0)
    ]
