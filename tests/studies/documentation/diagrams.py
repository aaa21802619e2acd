"""The diagrams of the page on concepts: the packages by the import contract, and one conversation.

Enters: the layers of the contract (`studies.documentation.layout`). Leaves: SVG files in the folder
of the pages, readable in a light and in a dark page. ``make docs`` renews them; a test holds them
current.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from studies.documentation.layout import ROOT, layers

_STYLE: Final = (
    "text{font:14px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2733}"
    ".name,.code{font-family:ui-monospace,Menlo,'Liberation Mono',monospace;font-size:13px}"
    ".name{text-anchor:middle}.head{font-weight:600;text-anchor:middle}"
    ".side{fill:#5a6675;font-size:13px}.end{text-anchor:end}"
    ".page{fill:#fff}.box{fill:#eef3f8;stroke:#7b8ba0}.line{stroke:#7b8ba0;fill:none;stroke-width:1.5}"
    ".life{stroke:#c3ccd6;stroke-width:2}.good{fill:#0d6b4b}.bad{fill:#a3273f}"
    "@media(prefers-color-scheme:dark){.page{fill:#1c222b}text{fill:#e6eaf0}.side{fill:#a7b1bf}"
    ".box{fill:#242c38;stroke:#8f9db0}.line{stroke:#8f9db0}.life{stroke:#47525f}"
    ".good{fill:#6fd6ac}.bad{fill:#f2909f}}"
)
_WIDTH: Final = 720
_BOX: Final = (112, 30)
_ROW: Final = 52
_MIDDLE: Final = _WIDTH / 2
_CLIENT, _SERVER = 150, 530
_STEP: Final = 44

_CONVERSATION: Final = (
    ("server", "Set-Cookie: session=A", "issues A", ""),
    ("client", "Cookie: session=A", "presents A", "honoured"),
    ("server", "Set-Cookie: session=B", "issues B: a rotation", ""),
    ("client", "Cookie: session=B", "presents B", "honoured"),
    ("client", "Cookie: session=A", "presents A again", "stale"),
)
"""Who sends, what, what that is called, and the verdict."""


def packages(order: Sequence[Sequence[str]]) -> str:
    """One row a layer, from the source of the data down, with an arrow between two rows."""
    width, height = _BOX
    drawn = []
    for row, names in enumerate(order):
        top = 8 + row * _ROW
        gap = 12
        left = _MIDDLE - (len(names) * (width + gap) - gap) / 2
        if row:
            drawn.append(_arrow(_MIDDLE, top - _ROW + height + 2, _MIDDLE, top - 3))
        for name in names:
            drawn.append(
                f'<rect class="box" x="{left:g}" y="{top}" '
                f'width="{width}" height="{height}" rx="5"/>'
                f'<text class="name" x="{left + width / 2:g}" y="{top + 20}">{escape(name)}</text>'
            )
            left += width + gap
    says = "; then ".join(", ".join(names) for names in order)
    return _svg(len(order) * _ROW, "Packages by layer", f"Data flows through {says}.", drawn)


def conversation() -> str:
    """A value is issued, presented, replaced, and presented again, with the verdicts."""
    top, bottom = 48, 56 + len(_CONVERSATION) * _STEP
    drawn = [
        f'<text class="head" x="{x}" y="22">{name}</text><path class="life" d="M{x} 32V{bottom}"/>'
        for name, x in (("client", _CLIENT), ("server", _SERVER))
    ]
    for at, (sender, header, says, verdict) in enumerate(_CONVERSATION):
        y = top + at * _STEP + 20
        ends = (_CLIENT + 4, _SERVER - 4) if sender == "client" else (_SERVER - 4, _CLIENT + 4)
        drawn += [
            _arrow(ends[0], y, ends[1], y),
            f'<text class="code" x="{_CLIENT + 24}" y="{y - 7}">{escape(header)}</text>',
            f'<text class="side end" x="{_CLIENT - 10}" y="{y + 4}">{escape(says)}</text>'
            if sender == "client"
            else f'<text class="side" x="{_SERVER + 10}" y="{y + 4}">{escape(says)}</text>',
        ]
        if verdict:
            tone = "good" if verdict == "honoured" else "bad"
            drawn.append(
                f'<text class="code {tone}" x="{_SERVER + 10}" y="{y + 4}">{verdict}</text>'
            )
    text = " ".join(
        f"The {sender} {says}{f': {verdict}' if verdict else ''}."
        for sender, _, says, verdict in _CONVERSATION
    )
    return _svg(bottom + 8, "A value that is issued, presented and replaced", text, drawn)


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="line" d="M{x:g} {y:g}L{to_x:g} {to_y:g}" marker-end="url(#head)"/>'


# An area of its own: a page may have other colours than the system that the style asks for.
def _svg(height: float, title: str, says: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'width="{_WIDTH}" height="{height:g}">'
        f"<title>{escape(title)}</title><desc>{escape(says)}</desc><style>{_STYLE}</style>"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path class="line" d="M1 1L7 4L1 7"/>'
        '</marker></defs><rect class="page" width="100%" height="100%" rx="6"/>'
        + "".join(drawn)
        + "</svg>\n"
    )


def diagrams() -> Mapping[str, str]:
    """The diagrams by file name."""
    order = layers((ROOT / "pyproject.toml").read_text("utf-8"))
    return {"concepts-packages.svg": packages(order), "concepts-exchange.svg": conversation()}


def write_diagrams(folder: Path) -> list[str]:
    """Write those that differ; their names."""
    changed = []
    for name, drawn in diagrams().items():
        file = folder / name
        if not file.exists() or file.read_text("utf-8") != drawn:
            file.write_text(drawn, "utf-8", newline="\n")
            changed.append(name)
    return changed
