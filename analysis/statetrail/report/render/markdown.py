"""The Markdown report: short enough for a comment on a pull request, inert whatever it quotes.

Enters: a `Document`. Leaves: GitHub-flavoured Markdown of at most `MAX_CHARACTERS`. Text of the
document can make no markup, no link, no mention and no image: what is a name stands in a code
span, everything else is escaped.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from statetrail.report import wording
from statetrail.report.document import Document, Finding
from statetrail.report.render.html import severities, show_command
from statetrail.report.sections.findings import first_of_each

MAX_CHARACTERS: Final = 60_000
"""GitHub refuses comments of more than 65,536."""
MAX_CLIENTS: Final = 10
MAX_FINDINGS: Final = 20
_MAX_TEXT: Final = 600
_MAX_CODE: Final = 160

_SPECIAL: Final = re.compile(r"[&<>\\`*_\[\]#|~$]")
_BREAK: Final = re.compile(r"[\t\n\r\x20\xa0]+")
# What GitHub turns into links even where it is escaped: it looks at the finished text.
_LINKED: Final = re.compile(r"(?i)(@|://|\bwww(?=\.)|\bGH(?=-))")
_WORD_JOINER: Final = "\N{WORD JOINER}"


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_markdown(document: Document) -> str:
    """The report's answers, the gravest findings and the least compliant clients."""
    environment = Environment(
        loader=PackageLoader("statetrail.report.render"),
        autoescape=False,  # noqa: S701 - no HTML: `finalize` escapes for Markdown
        finalize=lambda value: value if isinstance(value, Markdown) else escape(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "code": code,
        "prose": prose,
        "percent": wording.percent,
        "number": wording.count,
        "when": wording.when,
        "tally": wording.tally,
        "listed": wording.listed,
    }
    environment.globals |= {"interval": wording.interval, "plural": wording.count}
    template = environment.get_template("audit.md.j2")
    for cut in (1, 2, 4, 8, 20):
        text = template.render(**_context(document, cut))
        if len(text) <= MAX_CHARACTERS:
            return text
    return text[:MAX_CHARACTERS]


def _context(document: Document, cut: int) -> Mapping[str, Any]:
    return {
        "doc": document,
        "max_clients": max(MAX_CLIENTS // cut, 1),
        "told": _told(document, max(MAX_FINDINGS // cut, 1)),
        "new_ids": set(document.baseline.new) if document.baseline is not None else set(),
        "severities": severities(document),
        "show": lambda table: show_command(document, table),
    }


def _told(document: Document, most: int) -> list[Finding]:
    """The findings that there is room for: new ones first, and each rule before many of one."""
    new = set(document.baseline.new) if document.baseline is not None else set()
    ordered = sorted(document.findings, key=lambda finding: finding.id not in new)
    return first_of_each(ordered, max(most // 4, 1), most)


def escape(text: str) -> Markdown:
    """The text with everything that Markdown or GitHub could take for markup made inert.

    >>> escape("<b>[x](y)")
    '&#60;b&#62;&#91;x&#93;(y)'
    """
    shown = _cut(_BREAK.sub(" ", wording.visible(text)), _MAX_TEXT)
    shown = _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", shown)
    return Markdown(_LINKED.sub(lambda match: f"{match[0]}{_WORD_JOINER}", shown))


def code(text: str) -> Markdown:
    """The text as a code span, also within a table.

    >>> code("a|b")
    '`a\\\\|b`'
    """
    shown = _cut(_BREAK.sub(" ", wording.visible(text)).strip(), _MAX_CODE) or " "
    # A backslash cannot escape a backtick in a code span, and before a pipe it would vanish.
    shown = shown.replace("`", "ˋ").replace("\\", "∖").replace("|", "\\|")
    return Markdown(f"`{shown}`")


def prose(text: str) -> Markdown:
    """A sentence in which what stands between backticks is shown as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markdown("".join(code(p) if at % 2 else escape(p) for at, p in enumerate(parts)))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
