"""The grammar of a state header: what parses, what does not and why, and the round trips."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from statetrail.dialects.grammar import (
    MAX_VALUE,
    PRIORITIES,
    USAGES,
    StateValue,
    parse_state_header,
)

AUTHENTICATION = "GbT2iMwsNzIBJTZX8egqU2VeauDYRcsZeL34HSObq20/wBTJM1hbvNMkCzQtGF43"
LONGEST = "x" * MAX_VALUE

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=80)
VALUES = st.one_of(
    PRINTABLE,
    st.lists(st.sampled_from(["/", "+", "=", ";", " ", "%3B", "header/forced", "a"])).map("".join),
).map(lambda value: value.strip(" \t"))
WELL_FORMED = st.builds(
    StateValue, VALUES.filter(bool), st.sampled_from(USAGES), st.sampled_from(PRIORITIES)
)
BLANKS = st.text(" \t", max_size=3)


def written(state: StateValue) -> str:
    """A well-formed state header's field value: the inverse of `parse_state_header`."""
    return f"{state.value};{state.usage}/{state.priority}"


@pytest.mark.parametrize(
    ("field", "value", "usage", "priority"),
    [
        ("1;uriquery/informational", "1", "uriquery", "informational"),
        ("4201965;implicit/forced", "4201965", "implicit", "forced"),
        (f"{AUTHENTICATION};header/forced", AUTHENTICATION, "header", "forced"),
        ("a;b;header/forced", "a;b", "header", "forced"),
        (";;header/forced", ";", "header", "forced"),
        ("a/b+c=;header/forced", "a/b+c=", "header", "forced"),
        ("\t1 ; Header / FORCED ", "1", "header", "forced"),
        ("a b;header/forced", "a b", "header", "forced"),
        (f"{LONGEST};header/forced", LONGEST, "header", "forced"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_well_formed(field: str, value: str, usage: str, priority: str) -> None:
    """What follows the last semicolon is the tail, all before it is the value."""
    assert parse_state_header(field) == StateValue(value, usage, priority)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("1", "1", "no-tail"),
        ("", "", "no-tail"),
        ("1;", "1", "bad-tail"),
        ("1;header", "1", "bad-tail"),
        ("1;header/forced;", "1;header/forced", "bad-tail"),
        ("1;header\\forced", "1", "bad-tail"),
        ("1;cookie/forced", "1", "unknown-usage"),
        ("1;/forced", "1", "unknown-usage"),
        ("1;hea der/forced", "1", "unknown-usage"),
        ("1;header/suggested", "1", "unknown-priority"),
        ("1;header/", "1", "unknown-priority"),
        ("1;header/forced/x", "1", "unknown-priority"),
        (";header/forced", "", "empty-value"),
        (" \t;header/forced", "", "empty-value"),
        ("tømt;header/forced", "tømt", "non-ascii"),
        ("a\udcf8;header/forced", "a\udcf8", "non-ascii"),
        ("a\x00b;header/forced", "a\x00b", "control-character"),
        ("a\x1b[31m;header/forced", "a\x1b[31m", "control-character"),
        ("1;header/forced, 2;header/forced", "1;header/forced, 2", "combined"),
        ("x" * (MAX_VALUE + 1) + ";header/forced", "x" * (MAX_VALUE + 1), "too-long"),
        ("x" * 1_000_000, "x" * MAX_VALUE, "too-long"),
    ],
    ids=lambda case: repr(case)[:40],
)
def test_malformed(field: str, value: str, problem: str) -> None:
    """A field that does not parse has a stable problem word, a best guess, no usage."""
    assert parse_state_header(field) == StateValue(value, problem=problem)


@given(WELL_FORMED)
def test_what_was_formatted_parses_back(state: StateValue) -> None:
    """parse after format is the identity, but for values that look like two joined fields."""
    parsed = parse_state_header(written(state))
    assert parsed == state or (parsed.problem == "combined" and "," in state.value)


@given(WELL_FORMED, BLANKS, BLANKS, BLANKS, BLANKS, BLANKS)
def test_what_was_parsed_formats_back(
    state: StateValue, a: str, b: str, c: str, d: str, e: str
) -> None:
    """format after parse takes away blanks around the separators and upper case, no more."""
    usage, priority = str(state.usage).upper(), str(state.priority).title()
    parsed = parse_state_header(f"{a}{state.value}{b};{c}{usage}{d}/{e}{priority}{a}")
    assume(parsed.problem is None)
    assert written(parsed) == written(state)


@given(st.text(max_size=200))
def test_any_text_is_parsed(field: str) -> None:
    """Whatever arrives: either usage and priority, or a problem; a clean field comes back."""
    parsed = parse_state_header(field)
    assert (parsed.problem is None) == (parsed.usage is not None) == (parsed.priority is not None)
    if parsed.problem is None:
        assert parse_state_header(written(parsed)) == parsed
