"""What is kept of paths and other free text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.text import MAX_PATH, clean, is_opaque_name, mask_path, segment_kind
from support.histories import FINGERPRINTER


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        ("", "word"),
        ("v3", "word"),
        ("V3", "word"),
        ("v1.2", "word"),
        ("API", "word"),
        ("products", "word"),
        ("BrowseCategory", "word"),
        ("priceLists", "word"),
        ("price-list.v2", "word"),
        ("sellto", "word"),
        ("Cart.xml", "word"),
        ("4012", "number"),
        ("00411", "number"),
        ("123456", "number"),
        ("1234567", "opaque"),
        ("yjipILZBeUWxrFq", "opaque"),
        ("GbT2iMwsNzIBJTZX8egqU2VeauDYRcsZeL34HSObq20", "opaque"),
        ("d41d8cd98f00b204e9800998ecf8427e", "opaque"),
        ("123e4567-e89b-12d3-a456-426614174000", "opaque"),
        ("abcdefghijklmnopqrstuvwxyz", "opaque"),
        ("ABCDEFGHIJ", "opaque"),
        ("user@shop.example", "opaque"),
        ("a b", "opaque"),
        ("é", "opaque"),
        ("~1a2b3c4d", "opaque"),
        ("%41", "opaque"),
        ("<script>", "opaque"),
        ("{id}", "opaque"),
    ],
)
def test_kinds_of_segments(segment: str, kind: str) -> None:
    """Words and short numbers are shown; all that could be a token is not."""
    assert segment_kind(segment) == kind


@pytest.mark.parametrize("before", ["customers", "Users", "account", "session"])
def test_what_follows_a_person_is_a_person(before: str) -> None:
    """Under such a collection even a word or a short number is somebody; `me` is not."""
    assert segment_kind("anna", before) == segment_kind("42", before) == "person"
    assert segment_kind("me", before) == "word"


@pytest.mark.parametrize(
    ("target", "path", "endpoint"),
    [
        (b"/", "/", "/"),
        (b"", "/", "/"),
        (b"*", "*", "*"),
        (b"/API/V3/Cart?_session_token=abc", "/API/V3/Cart", "/API/V3/Cart"),
        (b"/v3/baskets/4711/state", "/v3/baskets/~9910d4be/state", "/v3/baskets/{id}/state"),
        (b"/a//b/", "/a//b/", "/a//b/"),
        (b"/a#b?c", "/a", "/a"),
        (b"/%41PI/x", "/API/x", "/API/x"),
        (b"http://user:pass@shop.example/a/1?x", "/a/~f4f2e80d", "/a/{id}"),
        (b"https://shop.example", "/", "/"),
        (b"/a;jsessionid=0123456789abcdef/b", "/a;\xe2\x80\xa6/b", "/a/b"),
    ],
)  # fmt: skip
def test_paths(target: bytes, path: str, endpoint: str) -> None:
    """No query, no fragment, no authority, no matrix parameters."""
    path = path.encode("latin-1").decode() if "\xe2" in path else path
    assert mask_path(target, FINGERPRINTER) == (path, endpoint)


@pytest.mark.parametrize(
    "segment", ["yjipILZBeUWxrFq", "a%2Fb", "%00", "%C3%A9", "a%252Fb", "x" * 400, "anna@b.example"]
)
def test_opaque_segments_are_pseudonyms(segment: str) -> None:
    """A token-like segment is told from others and not shown; its endpoint is the same."""
    path, endpoint = mask_path(f"/v3/{segment}/x".encode(), FINGERPRINTER)
    assert path != mask_path(f"/v3/{segment}%20/x".encode(), FINGERPRINTER)[0]
    assert len(path) == len("/v3/~1a2b3c4d/x")
    assert endpoint == "/v3/{id}/x"


@pytest.mark.parametrize("target", [b"/" * 1_000_000, b"/" + b"a" * 1_000_000, b"/a" * 17])
def test_long_paths_are_cut(target: bytes) -> None:
    """A path beyond every measure keeps its beginning and says that it goes on."""
    path, endpoint = mask_path(target, FINGERPRINTER)
    assert len(path) <= MAX_PATH
    assert path.endswith("/…")
    assert endpoint.endswith("/…")


@pytest.mark.parametrize("segment", ["a" * 63 + "~", "aB" * 31 + "~", "Ab-" * 21 + "~", "A" * 64])
def test_no_segment_takes_long(segment: str) -> None:
    """The pattern of words does not run wild on what is nearly one."""
    began = time.thread_time()
    assert segment_kind(segment) == "opaque"
    assert time.thread_time() - began < 0.2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text é", "plain text é"),
        ("a\x00b\x1b[31mc\x7f\x9b", "a\ufffdb\ufffd[31mc\ufffd\ufffd"),
        ("abc\u202edef\u2066\u200b\ufeff", "abc\ufffddef\ufffd\ufffd\ufffd"),
        ("\udcff\ud800", "\ufffd\ufffd"),
        ("x" * 21, "x" * 19 + "…"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    """No control, no direction, no surrogate, no end of it."""
    assert clean(text, 20) == shown


@given(st.text(st.characters(), max_size=60))
def test_clean_text_is_printable_and_bounded(text: str) -> None:
    """Whatever comes in: what leaves can be encoded, shown and counted on."""
    shown = clean(text, 40)
    assert len(shown) <= 40
    shown.encode()
    assert not any(ord(c) < 32 or ord(c) == 127 for c in shown)


@pytest.mark.parametrize(
    ("name", "opaque"),
    [
        ("JSESSIONID", False),
        ("ASP.NET_SessionId", False),
        ("_session_id", False),
        ("__Host-session", False),
        ("yjipILZBeUWxrFq", True),
        ("__Host-yjipILZBeUWxrFq", True),
        ("yjipILZBeUWxrFqsessionid", True),
    ],
)
def test_the_name_of_a_session_cookie_is_no_token(name: str, opaque: bool) -> None:
    """As the usual servers name it; a token before or behind it is one."""
    assert is_opaque_name(name) is opaque
