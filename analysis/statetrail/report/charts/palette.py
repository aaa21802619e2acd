"""The colours of the report, for the page's style sheet and for its charts.

Enters: a scheme, ``light`` or ``dark``. Leaves: colours as ``#rrggbb``. Text colours reach a
contrast of 4.5 on their background (WCAG 2.2 AA), marks 3; a test computes it.
"""

from collections.abc import Callable
from typing import Final, Literal

from statetrail.analyses.conformance.verdict import BY_NAME

type Scheme = Literal["light", "dark"]
type Paint = Callable[[str], str]
"""Makes what a picture has for a colour of its name: one of `COLOURS`, or `of_hue`."""

COLOURS: Final[dict[Scheme, dict[str, str]]] = {
    "light": {
        "page": "#ffffff",
        "surface": "#f4f6f8",
        "line": "#d5dae0",
        "text": "#1a1f26",
        "muted": "#55606d",
        "accent": "#0a58ca",
        "good": "#12714c",
        "bad": "#b3261e",
        "warn": "#8a5300",
        "calm": "#4b5a6b",
        "faint": "#8a94a0",
        "on-faint": "#12161b",
        "on-strong": "#ffffff",
    },
    "dark": {
        "page": "#12161b",
        "surface": "#1b2128",
        "line": "#39424d",
        "text": "#e7eaee",
        "muted": "#a3aebb",
        "accent": "#8ab4ff",
        "good": "#5fcf9f",
        "bad": "#ff9a92",
        "warn": "#f2bf6b",
        "calm": "#b4c0cd",
        "faint": "#7d8894",
        "on-faint": "#0c0f13",
        "on-strong": "#12161b",
    },
}

HEAT: Final[dict[Scheme, tuple[str, ...]]] = {
    "light": ("#d9f0e4", "#eef3d3", "#fdeab8", "#fbd3b5", "#f6c0bb"),
    "dark": ("#173f30", "#37421d", "#4d3c10", "#57331a", "#5c2723"),
}
"""Backgrounds of the heatmap's cells, from all honoured to nothing honoured."""

HUES: Final[dict[Scheme, tuple[str, ...]]] = {
    "light": (
        *("#3b6fb6", "#b65c1f", "#2f8a57", "#a8385d", "#7a5bb5", "#8a7a1c"),
        *("#1f8a93", "#c04a3a", "#5c8a2a", "#9a4aa0", "#4a6a80", "#a06a3a"),
    ),
    "dark": (
        *("#86b1ee", "#f0a06a", "#74cf9b", "#ee8fae", "#b79df0", "#d6c65c"),
        *("#66cdd6", "#f58f80", "#a3d46c", "#d791dd", "#9fbdd2", "#d9a877"),
    ),
}
"""Colours of values: a pseudonym has the same colour in the whole report."""
_ALIKE: Final = ((4, 10), (7, 11), (8,), (7, 9), (9,), (8, 11), (10,), (11,))
ALIKE: Final = tuple(
    frozenset(
        other
        for other in range(len(HUES["light"]))
        if any({one, other} == {at, like} for at, some in enumerate(_ALIKE) for like in some)
    )
    for one in range(len(HUES["light"]))
)
"""For each of the `HUES` those that look like it in one of the schemes."""


def hue(value: str) -> int:
    """Which of the `HUES` a value has by itself: by its first hexadecimal digits or characters."""
    try:
        number = int(value[1:5], 16) if value.startswith("~") else sum(value.encode())
    except ValueError:
        number = sum(value.encode("utf-8", "replace"))
    return number % len(HUES["light"])


def of_hue(number: int) -> str:
    """The name of the colour that one of the `HUES` is."""
    return f"p-{number % len(HUES['light'])}"


def light(name: str) -> str:
    """The colour of a picture that stands alone."""
    return _LIGHT[name]


def variable(name: str) -> str:
    """The colour of a picture in a page, which has it in both schemes."""
    return f"var(--{name})"


_LIGHT: Final = COLOURS["light"] | {of_hue(at): one for at, one in enumerate(HUES["light"])}


def variables(scheme: Scheme) -> str:
    """The scheme as CSS custom properties."""
    named = COLOURS[scheme] | {f"v-{one.name}": getattr(one, scheme) for one in BY_NAME.values()}
    named |= {of_hue(at): colour for at, colour in enumerate(HUES[scheme])}
    named |= {f"h-{at}": colour for at, colour in enumerate(HEAT[scheme])}
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())
