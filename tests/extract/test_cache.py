"""What is remembered of the traffic changes nothing but the time that it takes."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from statetrail.extract.extractor import extract
from support.traffic import CONFIG, exchange

# Each holds what is a secret, or may be shown, only beside another one.
PARTS: list[dict[str, Any]] = [
    {
        "target": "/API/V3/secret-1/x?_session_token=secret-2&q=https://a.example/secret-3",
        "asked": [
            (b"X-Ticket", b"secret-1"),
            (b"User-Agent", b"App secret-2"),
            (b"X-Device", b"1"),
        ],
        "answered": [(b"X-Set-LangId", b"1;header/forced"), (b"Cache-Control", b"max-age=4321")],
        "body": b"<r session='secret-2'/>",
    },
    {
        "target": "/API/V3/Cart/secret-2?LangId=1&Ticket=4321&x=secret-1",
        "asked": [(b"X-LangId", b"secret-1"), (b"Referer", b"https://a.example/?t=secret-2long")],
        "answered": [(b"X-Set-Ticket", b"secret-1;header/forced"), (b"Age", b"4321")],
        "body": b"<r session='secret-1'/>",
    },
    {
        "target": "/services/v3/baskets?_session_token=1",
        "asked": [(b"X-Ticket", b"4321"), (b"Origin", b"https://secret-2.example")],
        "answered": [(b"X-Set-secret-1", b"2"), (b"X-Set-Ticket", b"secret-2")],
        "body": b"<!DOCTYPE r>",
    },
    {
        "target": "/API/V3/x",
        "asked": [(b"Cookie", b"s=secret-1secret-2")],
        "answered": [(b"Access-Control-Expose-Headers", b"secret-1, x-set-langid")],
        "body": b"",
    },
]


@settings(max_examples=100)
@given(st.lists(st.tuples(*[st.sampled_from(PARTS)] * 4), min_size=2, max_size=6))
def test_what_is_remembered_changes_nothing(mixed: list[tuple[dict[str, Any], ...]]) -> None:
    """Paths, heads and bodies that come again in other company: as if each were met first."""
    alone = replace(CONFIG, client_header="x-device", max_known=0)
    warm = replace(alone)
    for path, asks, answers, bodies in mixed:
        about = {"asked": asks["asked"], "answered": answers["answered"], "body": bodies["body"]}
        one = exchange(path["target"], **about)
        assert extract(one, warm) == extract(one, replace(alone))
