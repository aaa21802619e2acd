"""The Markdown report: short enough for a comment on a pull request, inert whatever it quotes.

Enters: a `Document`. Leaves: GitHub-flavoured Markdown of at most `MAX_CHARACTERS`. Text of the
document can make no markup, no link, no mention and no image: names are code spans, everything else
is escaped.
"""

import re
from typing import Final

from statetrail.report import wording
from statetrail.report.document import Document
from statetrail.report.render.jinja import environment, rendered_sections

MAX_CHARACTERS: Final = 60_000
"""GitHub refuses comments of more than 65,536."""
MAX_ROWS: Final = 10
MAX_FINDINGS: Final = 20
_MAX_TEXT: Final = 600
_MAX_PROSE: Final = 1200
_MAX_CODE: Final = 160

_SPECIAL: Final = re.compile(r"[&<>\\`*_\[\]#|~$]")
_BREAK: Final = re.compile(r"[\t\n\r\x20\xa0]+")
# What GitHub turns into links even where it is escaped: it looks at the finished text.
_LINKED: Final = re.compile(r"(?i)(@|&#35;|://|\bwww(?=\.)|\bGH(?=-))")
_WORD_JOINER: Final = "\N{WORD JOINER}"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_markdown(document: Document) -> str:
    """The report's answers, the most severe findings and the least compliant clients."""
    made = environment(
        lambda value: value if isinstance(value, Markdown) else escape(str(value)), autoescape=False
    )
    made.filters |= {"code": code, "prose": prose}
    template = made.get_template("audit.md.j2")
    for cut in (1, 2, 4, 8, 20):
        sections = rendered_sections(
            made,
            document,
            "md.j2",
            max_rows=max(MAX_ROWS // cut, 1),
            max_findings=max(MAX_FINDINGS // cut, 1),
        )
        text = template.render(doc=document, sections=[Markdown(text) for *_, text in sections])
        if len(text) <= MAX_CHARACTERS:
            return text
    return text[:MAX_CHARACTERS]


def escape(text: str) -> Markdown:
    """The text with everything that Markdown or GitHub could take for markup made inert.

    >>> escape("<b>[x](y)")
    '&#60;b&#62;&#91;x&#93;(y)'
    """
    shown = wording.cut(_BREAK.sub(" ", wording.visible(text)), _MAX_TEXT)
    shown = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", shown)
    return Markdown(_LINKED.sub(lambda match: f"{match[0]}{_WORD_JOINER}", shown))


def code(text: str) -> Markdown:
    """The text as a code span, also within a table.

    >>> code("a|b")
    '`a\\\\|b`'
    """
    shown = wording.cut(_BREAK.sub(" ", wording.visible(text)).strip(), _MAX_CODE) or " "
    # A backslash cannot escape a backtick in a code span, and before a pipe it would vanish.
    shown = shown.replace("`", "ˋ").replace("\\", "∖").replace("|", "\\|")
    return Markdown(f"`{shown}`")


def prose(text: str) -> Markdown:
    """A sentence in which what stands between backticks is shown as code."""
    parts = (text := wording.cut(text, _MAX_PROSE)).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markdown("".join(code(p) if at % 2 else escape(p) for at, p in enumerate(parts)))
