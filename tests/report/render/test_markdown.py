"""The Markdown report: what it says, and that foreign text makes no markup in it."""

import re
from pathlib import Path

import msgspec
import pytest

from statetrail.report.render.markdown import MAX_CHARACTERS, code, escape, prose, render_markdown
from support.audits import document, planted
from support.golden import assert_golden
from support.hostile import PAYLOADS

GOLDEN = Path(__file__).parents[1] / "golden" / "audit.md"


def test_the_comment_is_as_it_was_looked_at() -> None:
    """The sample's Markdown is the golden one."""
    assert_golden(GOLDEN, render_markdown(document()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 12 %", "plain text, 12 %"),
        ("<b>&amp;", "&#60;b&#62;&#38;amp;"),
        ("*a* _b_ ~~c~~", "&#42;a&#42; &#95;b&#95; &#126;&#126;c&#126;&#126;"),
        ("a|b\nc", "a&#124;b c"),
        ("@team see www.x.example", "@\u2060team see www\u2060.x.example"),
        ("http://x.example", "http://\u2060x.example"),
    ],
    ids=["plain", "html", "emphasis", "table", "mention", "link"],
)
def test_text_is_escaped_for_markdown_and_for_github(text: str, expected: str) -> None:
    """Each sign that could be markup is an entity, each would-be link is broken."""
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", "`a\\|b`"), ("a`b", "`aˋb`"), ("", "` `"), ("a\n\tb", "`a b`"), ("\\|", "`∖\\|`")],
    ids=["pipe", "backtick", "empty", "lines", "backslash"],
)
def test_a_name_cannot_leave_its_code_span(text: str, expected: str) -> None:
    """A code span holds whatever the name holds, in a table too."""
    assert code(text) == expected


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_makes_no_markup(payload: str) -> None:
    """Outside code spans there is no tag, link, picture or formula, and no row is broken."""
    text = render_markdown(planted(document(), lambda _: payload))
    bare = re.sub(r"`[^`\n]*`", "", text)
    assert not re.search(r"[<>\[\]$]|://\w", bare)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {6, 7, 8}


def test_the_comment_stays_within_what_github_takes() -> None:
    """However long the fields are, the comment fits, and is not cut where it need not be."""
    small = document()
    many = msgspec.structs.replace(
        small, findings=small.findings[:1] * 400, clients=small.clients[:1] * 400
    )
    text = render_markdown(planted(many, lambda value: value + " `x` <" * 400))
    assert len(text) <= MAX_CHARACTERS
    assert "of 400 rows" in text


def test_prose_keeps_code_where_the_backticks_are_paired() -> None:
    """A lone backtick is a character like others."""
    assert prose("`a` b") == "`a` b"
    assert prose("a ` b") == "a &#96; b"
