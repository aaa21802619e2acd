"""The colours: text and marks can be told from what they stand on."""

import pytest

from statetrail.analyses.conformance.verdict import BY_NAME
from statetrail.report.charts.palette import COLOURS, HEAT, HUES, Scheme, hue

TEXT = ("text", "muted", "accent", "good", "bad", "warn", "calm")
BADGES = ("bad", "warn", "calm")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: Scheme) -> None:
    """Text reaches 4.5 on the page and on surfaces, badges on their own colour."""
    colours = COLOURS[scheme]
    for name in TEXT:
        for ground in ("page", "surface"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in BADGES:
        assert contrast(colours["on-strong"], colours[name]) >= 4.5, name
    assert contrast(colours["on-faint"], colours["faint"]) >= 4.5
    for colour in HEAT[scheme]:
        assert contrast(colours["text"], colour) >= 4.5, colour


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_have_the_contrast_of_wcag_aa(scheme: Scheme) -> None:
    """Every verdict has a colour, and marks reach 3 on the page."""
    verdicts = [getattr(one, scheme) for one in BY_NAME.values()]
    for colour in (*verdicts, *HUES[scheme]):
        assert contrast(colour, COLOURS[scheme]["page"]) >= 3, colour


@pytest.mark.parametrize("value", ["~1a2b3c4d", "~zz", "", "1", "en-GB"])
def test_every_value_has_a_colour(value: str) -> None:
    """Pseudonyms, clear values and nonsense alike."""
    assert 0 <= hue(value) < len(HUES["light"]) == len(HUES["dark"])
