"""Where a value stands in a response, however it is written there."""

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statetrail.extract.records import Response
from statetrail.suggest.issued import issued
from statetrail.suggest.places import Place, is_opaque
from statetrail.suggest.uses import RUN

TOKENS = st.from_regex(r"[A-Za-z0-9]{10,20}[A-Za-z0-9+/=_.~|:-]{0,30}", fullmatch=True).filter(
    is_opaque
)
FILLING = (
    "<p>Lorem ipsum dolor sit amet</p><input name='q' value='chairs'><script>var a = 1;</script>"
)


def places(value: str, body: str, media: str, *fields: tuple[str, str]) -> set[Place]:
    """The places of a value in a response."""
    head = ((b"content-type", media.encode()), *((n.encode(), v.encode()) for n, v in fields))
    runs = {hash(max(RUN.findall(value), key=len))}
    found = set(issued(Response(200, head, 1, 1), body.encode(), {hash(value)}, (), runs))
    assert {hashed for _, hashed in found} <= {hash(value)}
    return {place for place, _ in found}


WAYS = {
    "input": ('<input type="hidden" name="tok" value="{html}">', Place("html", "input tok")),
    "input, turned": ("<input value='{html}' type=hidden name='tok'/>", Place("html", "input tok")),
    "meta": ('<meta name="tok" content="{html}">', Place("html", "meta tok")),
    "script": ("<script>window.tok = '{plain}';</script>", Place("script", "window.tok")),
    "member": ('<script>init({{"tok": {json}}})</script>', Place("script", "tok")),
    "call": ('<script>setTok("{plain}")</script>', Place("script", "setTok")),
    "data": ('<body data-tok="{html}">', Place("script", "data-tok")),
}


@pytest.mark.parametrize("way", WAYS)
@given(value=TOKENS, filled=st.booleans())
def test_a_value_in_a_page_is_found_at_its_place(way: str, value: str, filled: bool) -> None:
    """The place is named, whatever characters the value has and whatever stands around it."""
    template, place = WAYS[way]
    text = template.format(html=html.escape(value), plain=value, json=json.dumps(value))
    filling = FILLING if filled else ""
    assert places(value, f"<html>{filling}{text}{filling}</html>", "text/html") == {place}


@given(value=TOKENS)
def test_a_value_in_data_is_found_at_its_place(value: str) -> None:
    """In JSON by its pointer, in XML by its element, in fields by their names."""
    data = {"data": {"a/b": value}, "list": [value]}
    assert places(value, json.dumps(data), "application/json") == {Place("json", "/data/a~1b")}
    xml = f"<?xml version='1.0'?><r><Tok>{value}</Tok></r>"
    assert places(value, xml, "text/xml") == {Place("xml", "Tok")}
    assert places(value, "", "", ("X-Tok", value)) == {Place("header", "x-tok")}
    assert places(value, "", "", ("X-Set-Tok", f"{value};header/forced")) == {
        Place("header", "x-set-tok", "value;usage/priority")
    }
    coded = quote(value, safe="")
    assert {
        place.name for place in places(value, "", "", ("Set-Cookie", f"tok={coded}; Path=/"))
    } == {"tok"}
    assert places(value, "", "", ("Location", f"/next?tok={coded}")) == {Place("location", "tok")}


@pytest.mark.parametrize(
    "text",
    [
        "<p>yjipILZBeUWxrFq1</p>",
        "<a href='/item?id=yjipILZBeUWxrFq1'>it</a>",
        "<script>['yjipILZBeUWxrFq1']</script>",
        "<!-- yjipILZBeUWxrFq1 -->",
        "<img alt='yjipILZBeUWxrFq1'",
    ],
)
def test_a_value_that_no_name_stands_before_is_loose_text(text: str) -> None:
    """Text, addresses of links, lists and comments are no place."""
    assert places("yjipILZBeUWxrFq1", f"<html>{text}</html>", "text/html") == set()
