"""Charts as pictures: static SVG, drawn at build time, in a form in which nothing can run.

Enters: an Altair chart. Leaves: SVG text, or a ``data:`` address for an ``<img>`` element (a
picture has no scripts, no links and loads nothing). No network and no font file is used.
"""

import re
from base64 import b64encode
from math import ceil
from typing import Final

import altair as alt
import vl_convert

from statetrail.report.charts.palette import COLOURS, HUES

_VEGALITE: Final = ".".join(alt.VEGALITE_VERSION.split(".")[:2])
# Vega numbers its definitions through the life of the process; in the picture they count from 0.
_DEFINITION: Final = re.compile(r'(\bid="|\burl\(#)((?:clip|gradient_|pattern_)\d+)(?=["\)])')
# A hundredth of a pixel is invisible.
_DECIMALS: Final = re.compile(r">[^<]*|(\.\d\d)\d+")
# Names and other words between the tags are passed over: they are no colours.
_COLOUR: Final = re.compile(r'>[^<]*|\b(fill|stroke)="(#[0-9a-f]{6})"')
_IN_THE_DARK: Final = {
    light: dark
    for kind in (COLOURS, {scheme: dict(enumerate(hues)) for scheme, hues in HUES.items()})
    for light, dark in zip(kind["light"].values(), kind["dark"].values(), strict=True)
}
_SIZE: Final = re.compile(r'<svg\b[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"')


def svg(chart: alt.LayerChart) -> str:
    """Draw a chart; the same chart always gives the same text."""
    specification = chart.to_dict(validate=False)  # the tests hold it to its schema
    # A picture's words are its `alt`; labels on each mark would double its size for nobody.
    specification.setdefault("config", {})["aria"] = False
    drawn: str = vl_convert.vegalite_to_svg(
        specification, vl_version=_VEGALITE, allowed_base_urls=[]
    )
    numbers: dict[str, int] = {}

    def renumber(match: re.Match[str]) -> str:
        return f"{match[1]}d{numbers.setdefault(match[2], len(numbers))}"

    shorter = _DECIMALS.sub(lambda match: match[1] or match[0], drawn)
    return _DEFINITION.sub(renumber, shorter)


def darkened(drawn: str) -> str:
    """A picture that was drawn in the light scheme, in the colours of the dark one.

    >>> darkened('<g fill="#ffffff"><text>fill="#ffffff"</text></g>')
    '<g fill="#12161b"><text>fill="#ffffff"</text></g>'
    """

    def colour(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        return f'{match[1]}="{_IN_THE_DARK.get(match[2], match[2])}"'

    return _COLOUR.sub(colour, drawn)


def size(drawn: str) -> tuple[int, int]:
    """The picture's width and height in pixels, for the page to keep its place free.

    >>> size('<svg xmlns="x" width="358" height="120.5" viewBox="0 0 358 120.5">')
    (358, 121)
    """
    found = _SIZE.match(drawn)
    assert found is not None, drawn[:200]
    return ceil(float(found[1])), ceil(float(found[2]))


def data_address(drawn: str) -> str:
    """The picture as a ``data:`` address."""
    return "data:image/svg+xml;base64," + b64encode(drawn.encode()).decode()
