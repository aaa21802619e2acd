"""52eSELLER in single exchanges: X-Set-* headers out, headers and query parameters back."""

import pytest

from support.histories import fingerprint
from support.traffic import facts_of, issued, presented

TICKET = "SKs5zIHxUPOghUxku/iafHQNFLUwqey0DB8kN1W1RVlB9USztPKrI0gwHzvDo/rY"


def test_state_headers_issue() -> None:
    """Value, usage and priority of each header; what is no identifier is not kept in clear."""
    seen = facts_of(
        "/services/v3/products",
        answered={
            "X-Set-LangId": "1;uriquery/informational",
            "x-set-customerid": "4201965;implicit/forced",
            "X-SET-TICKET": f"{TICKET};header/forced",
            "Set-LangId": "3;header/forced",
        },
    )
    assert [(i.param, i.value, i.usage, i.priority, i.channel) for i in seen.issued] == [
        ("LangId", "1", "uriquery", "informational", "header"),
        ("CustomerId", None, "implicit", "forced", "header"),
        ("Ticket", None, "header", "forced", "header"),
    ]
    assert seen.issued[2].fingerprint == fingerprint(TICKET)
    assert seen.exchange.dialects == "52eseller"


def test_headers_and_query_present() -> None:
    """Known parameters only, each in its channel, in any case; the newest is not our question."""
    seen = facts_of(
        "/services/v3/products?langid=2&CURRID=54&Ticket=a%2Fb&Unheard=1",
        asked={"x-ticket": TICKET, "X-Authentication": " t ", "X-Forwarded-For": "x", "X-": "y"},
    )
    assert presented(seen) == [
        ("Ticket", "header", "value"),
        ("Authentication", "header", "value"),
        ("LangId", "uriquery", "value"),
        ("CurrId", "uriquery", "value"),
        ("Ticket", "uriquery", "value"),
    ]
    assert [p.value for p in seen.presented] == [None, None, "2", "54", None]
    assert seen.presented[4].fingerprint == fingerprint("a/b")


def test_an_issue_matches_what_is_presented_later() -> None:
    """A value with slashes, blanks around it and a semicolon in it comes back as the same one."""
    (out,) = facts_of("/v3", answered={"X-Set-Ticket": " a/b;c= ; header/forced"}).issued
    (back,) = facts_of("/v3", asked={"X-Ticket": "a/b;c="}).presented
    assert (out.value, out.fingerprint) == (back.value, back.fingerprint)
    assert out.normal_fingerprint == back.normal_fingerprint


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (["1;header/forced"], [None]),
        (["1;header/forced", "1;header/forced"], [None, "repeated"]),
        (["1;header/forced", "1 ; Header/Forced"], [None, "repeated"]),
        (["1;header/forced", "2;header/forced"], ["repeated", "repeated"]),
        (["1;header/forced", "1;uriquery/forced"], ["repeated", "repeated"]),
        (["1;header/forced", "2"], ["repeated", "no-tail"]),
        (["1;header/forced, 2;header/forced"], ["combined"]),
        (["t\xf8mt;header/forced"], ["non-ascii"]),
    ],
)
def test_repeated_headers(lines: list[str], problems: list[str | None]) -> None:
    """No client can know which of differing values counts; a mere copy says nothing new."""
    answered = [(b"X-Set-LangId", line.encode("latin-1")) for line in lines]
    seen = facts_of("/v3", answered=answered)
    assert issued(seen) == [("LangId", problem) for problem in problems]
    assert all((i.usage is None) == (i.problem is not None) for i in seen.issued)


@pytest.mark.parametrize(
    ("name", "param", "problem"),
    [
        (b"X-Set-Season", "season", None),
        (b"x-set-season", "season", None),
        (b"X-Set-A-1", "a-1", None),
        (b"X-Set-", None, "bad-name"),
        (b"X-Set-<script>", None, "bad-name"),
        (b"X-Set-\xff\xfe", None, "bad-name"),
        (b"X-Set-\xce\xa3", None, "bad-name"),
        (b"X-Set-" + b"a" * 33, None, "bad-name"),
        (b"X-Set-_x", None, "bad-name"),
        (b"X-Set-Lang\xc4\xb0d", None, "bad-name"),
    ],
)
def test_unknown_parameters(name: bytes, param: str | None, problem: str | None) -> None:
    """An unknown one is kept under its lower-case name, as a secret; a hostile name is masked."""
    (one,) = facts_of("/x", answered=[(name, b"1;header/informational")]).issued
    assert one.problem == problem
    assert one.value is None
    assert one.param == param or (param is None and one.param.startswith("~"))


@pytest.mark.parametrize("key", ["Tic\u212aet", "LANG\u0130D", "LangId ", "X-LangId"])
def test_names_are_folded_as_ascii(key: str) -> None:
    """A query key that only Unicode's case rules make a parameter's name is none."""
    assert not facts_of(f"/v3?{key}=1".encode()).presented


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2", "2"),
        ("da-DK", "da-DK"),
        ("yjipILZBeUWxrFq", None),
        ("12345678901", None),
        ("<script>", None),
        ("=1+1", None),
        ("1\x1b[31m", None),
    ],
)
def test_only_plain_values_are_kept(value: str, kept: str | None) -> None:
    """Under a clear parameter's name anything but an identifier is treated as a secret."""
    seen = facts_of(
        b"/v3?LangId=" + value.encode(), answered={"X-Set-LangId": f"{value};header/forced"}
    )
    assert [one.value for one in (*seen.presented, *seen.issued)] == [kept, kept]


def test_a_secret_s_value_is_not_kept_under_another_name() -> None:
    """Whatever comes first: a clear parameter with a secret's value would give it away."""
    seen = facts_of(
        "/v3?LocId=4201965&PriceListId=420196512",
        asked={"X-CurrId": "4201965"},
        answered={"X-Set-LocId": "4201965;header/forced", "X-Set-CustomerId": "4201965;x/y"},
    )
    assert {one.value for one in (*seen.presented, *seen.issued)} == {None}


def test_a_user_can_have_more_in_clear() -> None:
    """A parameter named in `clear` is kept as it is; the others stay secret."""
    from dataclasses import replace

    from support.traffic import CONFIG

    seen = facts_of(
        "/v3",
        asked={"X-CustomerId": "4201965", "X-VisitorId": "4201966"},
        config=replace(CONFIG, clear=frozenset({"CustomerId"})),
    )
    assert [p.value for p in seen.presented] == ["4201965", None]
