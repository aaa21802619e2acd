"""What becomes of session cookies: a small shop sets them with a redirect after the login."""

from typing import Any

import pytest

import statetrail
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, exchange

A, B = "yjipILZBeUWxrFqRTaa1", "QmZkTbVwLrXcNsHdPbb2"


def get(at: float, session: str | None, target: str = "/cart", **about: Any) -> dict[str, Any]:
    """A request with the session, or without one."""
    asked = {"Cookie": f"sid={session}"} if session else {}
    return {"at": at, "target": target, "asked": asked, **about}


def sets(value: str) -> list[tuple[bytes, bytes]]:
    """A response that sets the session cookie."""
    return [(b"Set-Cookie", f"sid={value}; Path=/; HttpOnly".encode())]


def login(at: float, new: str, old: str | None = None) -> dict[str, Any]:
    """A login that is answered with a redirect and another session."""
    answer = [*sets(new), (b"Location", b"/cart")]
    return get(at, old, "/login", method="POST", status=302, answered=answer)


def refused(at: float, session: str) -> dict[str, Any]:
    """The cart of a session that is over."""
    return get(at, session, status=401)


@pytest.fixture
def shop(tmp_path):
    """Opens a recording of exchanges."""

    def opened(*exchanges: dict[str, Any]) -> Any:
        with SqliteStore.create_or_open(tmp_path / "shop.sqlite") as store:
            config = ExtractorConfig(select("cookie"), store.fingerprinter)
            for number, about in enumerate(exchanges):
                at = AT + round(about.pop("at") * 1_000_000)
                made = exchange(flow_id=f"f-{number}", at=at, **about)
                store.append(extract(made, config))
        return statetrail.open(tmp_path / "shop.sqlite")

    return opened


STORIES = {
    "a session set by a redirect lives until the cart is refused": (
        [login(0, A), get(1, A), refused(60, A)],
        [("survived", None), ("ended", None)],
    ),
    "a 403 refuses the request, not the session": (
        [login(0, A), get(1, A), get(2, A, status=403), refused(60, A)],
        [("survived", None), ("unknown", "unanswered"), ("ended", None)],
    ),
    "an error that issues the value again shows that it lives": (
        [login(0, A), get(1, A, status=403, answered=sets(A)), refused(60, A)],
        [("survived", None), ("ended", None)],
    ),
    "what a login replaced did not end by time": (
        [login(0, A), login(1, B, old=A), refused(2, A), get(3, B), refused(60, B)],
        [("unknown", "unanswered"), ("ended", "late"), ("survived", None), ("ended", None)],
    ),
}


@pytest.mark.parametrize(("exchanges", "wanted"), STORIES.values(), ids=STORIES)
def test_what_became_of_each_use(exchanges, wanted, shop):
    """Outcome and exclusion, in order of time."""
    rows = sorted(statetrail.uses(shop(*exchanges)).rows(), key=lambda row: row["exchange_id"])
    assert [(row["outcome"], row["exclusion"]) for row in rows] == wanted


SESSIONS = {
    "a login after the old session was refused begins another": (
        [login(0, A), get(1, A), refused(60, A), login(61, B, old=A), get(62, B)],
        2,
    ),
    "a login of a guest goes on with the session": (
        [get(0, None, "/", answered=sets(A)), get(1, A, "/"), login(2, B, old=A), get(3, B)],
        1,
    ),
    "a page that only users may see says nothing of a guest's session": (
        [get(0, None, "/", answered=sets(A)), get(1, A, "/"), refused(2, A), login(3, B, old=A)],
        1,
    ),
}


@pytest.mark.parametrize(("exchanges", "count"), SESSIONS.values(), ids=SESSIONS)
def test_which_sessions_there_were(exchanges, count, shop):
    """As the server counts them."""
    assert len(statetrail.sessions(shop(*exchanges)).rows()) == count
