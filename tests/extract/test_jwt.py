"""What tokens state of their own lifetime: a number of seconds, or nothing."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as draw

from statetrail.extract.jwt import declared_s
from support.traffic import facts_of


def jwt(payload: bytes | dict[str, Any]) -> str:
    """A JSON Web Token with this payload; its signature is none."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    head = json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode()
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (head, raw, b"sig"))


@given(
    draw.integers(-(2**40), 2**40),
    draw.integers(1, 2**31 - 1),
    draw.dictionaries(draw.text(max_size=5), draw.text(max_size=5)),
)
def test_the_seconds_from_issue_to_end(iat: int, lifetime: int, others: dict[str, str]) -> None:
    """Whatever else the token claims."""
    assert declared_s(jwt(others | {"iat": iat, "exp": iat + lifetime})) == lifetime


@pytest.mark.parametrize(
    "payload",
    [
        {"exp": 1_700_000_000},
        {"iat": 1_700_000_000},
        {"iat": 5, "exp": 5},
        {"iat": 9, "exp": 5},
        {"iat": 0, "exp": 2**31},
        {"iat": "0", "exp": "60"},
        {"iat": None, "exp": 60},
        b'{"iat":0,"exp":1e999}',
        b'{"iat":NaN,"exp":60}',
        b'{"iat":0,"exp":' + b"9" * 9000 + b"}",
        b'{"a":' * 1500,
        b"[0, 60]",
        b"\xff\xfe",
        b"",
    ],
)
def test_what_states_no_lifetime(payload: bytes | dict[str, Any]) -> None:
    """No claims of both, claims that are no numbers, none in order, and no JSON at all."""
    assert declared_s(jwt(payload)) is None


@given(draw.one_of(draw.text(), draw.text("eyJ.-_A0=", max_size=60).map("eyJ".__add__)))
def test_any_text_is_looked_into(value: str) -> None:
    """No error, whatever a server sends."""
    assert declared_s(value) is None or declared_s(value) > 0  # type: ignore[operator]


def test_only_the_number_is_kept_of_a_token() -> None:
    """Neither the token nor a claim of it is in what is stored."""
    value = jwt({"iat": 1_700_000_000, "exp": 1_700_003_600, "sub": "anna@shop.example"})
    kept = facts_of("/v3/x", answered={"X-Set-Ticket": f"{value};header/forced"})
    (issued,) = kept.issued
    assert issued.declared_s == 3600
    for part in ("anna", *value.split(".")):
        assert part not in repr(kept)


def test_a_malformed_issue_states_nothing() -> None:
    """What the header meant is a guess."""
    value = jwt({"iat": 0, "exp": 3600})
    (issued,) = facts_of("/v3/x", answered={"X-Set-Ticket": f"{value};nowhere/never"}).issued
    assert issued.problem is not None
    assert issued.declared_s is None
