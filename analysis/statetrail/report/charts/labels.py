"""Text in charts: what lanes are called, how wide text is, and how it is shortened.

Enters: text from the network. Leaves: visible text of bounded length. No font is at hand when a
chart is drawn: widths are those of the widest of the usual fonts.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, takewhile
from typing import Final

from statetrail.report.wording import visible

MAX_LANES: Final = 12
SIZE: Final = 12
"""Height of letters in pixels."""
_MAX_LETTERS: Final = 200
_DOT: Final = " · "
_FEW_LETTERS: Final = 60
"""Pixels below which the end of a name says nothing."""

# Of DejaVu Sans, in twentieths of the height, rounded up; Arial and Helvetica are narrower.
_WIDTHS: Final = {
    letter: twentieths
    for twentieths, letters in (
        (6, "'IJijl"),
        (7, " ,./:;\\|·"),
        (8, "()-[]ft"),
        (9, "!r"),
        (10, '"*_`–'),
        (11, "?csz"),
        (12, "FLkvxy"),
        (13, "0123456789$EPSTYabdeghnopqu{}"),
        (14, "ABCKRVXZ"),
        (15, "NU"),
        (16, "&DGHOQ"),
        (17, "#+<=>^w~\N{MINUS SIGN}"),
        (18, "M"),
    )
    for letter in letters
}

type Subject = tuple[str, ...]


def labels_of(lanes: Sequence[tuple[str, ...]]) -> tuple[dict[tuple[str, ...], str], str]:
    """What differs between lanes, as their labels, and what they share, as a title."""
    cells = [(visible(lane[0]).split(" | "), [*map(visible, lane[1:])]) for lane in lanes]
    width = max((len(client) for client, _ in cells), default=1)
    # Clients of one recording have equally many attributes; otherwise they are kept whole.
    rows = [
        (rest[-1], *(client if len(client) == width else ["?"] * width), rest[0])
        for client, rest in cells
    ]
    varying = [at for at in range(width + 2) if len({row[at] for row in rows}) > 1]
    # The origin comes last, and only where two lanes differ in nothing else.
    if width + 1 in varying and len({row[:-1] for row in rows}) == len(rows):
        varying.remove(width + 1)
    shown = varying or [0]
    labels = {
        lane: _DOT.join(row[at] for at in shown) for lane, row in zip(lanes, rows, strict=True)
    }
    fixed = [rows[0][at] for at in range(width + 2) if len({row[at] for row in rows}) == 1]
    fixed = fixed if varying else fixed[1:]
    return labels, _DOT.join(fixed)


def subject_labels(subjects: Sequence[Subject]) -> tuple[dict[Subject, str], str]:
    """As `labels_of`, for parameters at origins."""
    labels, shared = labels_of([("", *subject) for subject in subjects])
    return {lane[1:]: label for lane, label in labels.items()}, shared.strip(_DOT)


def width_of(text: str, size: float = SIZE) -> float:
    """How many pixels a text takes at most, in the usual fonts.

    >>> width_of("idle"), width_of("\N{CJK UNIFIED IDEOGRAPH-4E2D}")
    (22.8, 12.0)
    """
    return size * sum(map(_twentieths, text[:_MAX_LETTERS])) / 20


def fitted(text: str, room: float, size: float = SIZE) -> str:
    """A text, shortened to so many pixels; of a parameter and its client the latter's end is kept.

    >>> fitted("any function of idle time", 100), fitted("LangId", 100)
    ('any function…', 'LangId')
    >>> fitted("LangId · shop.example/price-list", 150)
    'LangId · …ple/price-list'
    """
    if len(text) <= _MAX_LETTERS and width_of(text, size) <= room:
        return text
    head, dot, tail = text.partition(_DOT)
    rest = room - width_of(f"{head}{dot}…", size)
    if dot and len(head) < _MAX_LETTERS and rest >= _FEW_LETTERS:
        return f"{head}{dot}…{_beginning(tail[::-1], rest, size)[::-1].lstrip()}"
    return f"{_beginning(text, room - size, size).rstrip()}…"


def all_fitted(labels: Iterable[str], room: float) -> list[str]:
    """Each label shortened to so many pixels; those that no longer differ are numbered."""
    found: list[str] = []
    seen: dict[str, int] = {}
    for short in (fitted(label, room) for label in labels):
        seen[short] = seen.get(short, 0) + 1
        found.append(short if seen[short] == 1 else f"{short} ({seen[short]})")
    return found


def _beginning(text: str, room: float, size: float) -> str:
    """As many of the first letters as there is room for."""
    ends = accumulate(map(_twentieths, text[:_MAX_LETTERS]))
    return text[: sum(1 for _ in takewhile(lambda end: size * end / 20 <= room, ends))]


def _twentieths(letter: str) -> int:
    return _WIDTHS.get(letter, 20)
