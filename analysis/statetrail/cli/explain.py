"""`statetrail explain`: what a rule, verdict, reason or cause means, or a page of the docs."""

import re
import sys
from pathlib import Path
from typing import Annotated, Final

from statetrail.cli.options import argument, completion
from statetrail.errors import UsageError, unknown

EXAMPLES = """[b]Examples[/b]

statetrail explain stale

statetrail explain token-in-url

statetrail explain reasons/many-sessions

statetrail explain index"""

PAGES: Final = Path(__file__).parents[1] / "docs"
KINDS: Final = {
    "": "page",
    "rules": "rule",
    "verdicts": "verdict",
    "reasons": "reason of a verdict",
    "causes": "root cause",
}
"""The folders of the pages, and what each explains; those of none are about several things."""
_WIDEST: Final = 100
_COMMENT: Final = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_LISTED: Final = re.compile(r"^- \[[^\]]+\]\(([\w-]+)\.md\)", re.MULTILINE)
_LINK: Final = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)\s]*\)")


def _names() -> set[str]:
    return {page.stem for folder in KINDS for page in (PAGES / folder).glob("*.md")}


def command(
    name: Annotated[
        str,
        argument(
            "NAME",
            "A rule, verdict, reason or root cause, as the reports name it, or a page of the "
            "documentation: index lists them.",
            completion(_names),
        ),
    ],
) -> None:
    """Explain a rule, a verdict, a reason or a root cause, or print a page of the documentation.

    Says what it means and what to do, with the traffic that gets it and the corrected traffic.
    Where several have the name, all are explained; rules/NAME picks one.
    """
    pages = pages_of(name)
    for nth, page in enumerate(pages):
        if nth:
            print()
        kind = KINDS[page.parent.name if page.parent != PAGES else ""]
        _print(f"{kind}: {page.stem}" if len(pages) > 1 else "", readable(page.read_text("utf-8")))


def pages_of(name: str) -> list[Path]:
    """The pages with that name. Raises `UsageError` if there is none."""
    every = {folder: sorted((PAGES / folder).glob("*.md")) for folder in KINDS}
    kind, _, stem = name.strip().strip("`").rpartition("/")
    found = [
        page
        for folder, pages in every.items()
        for page in pages
        if page.stem == stem.lower()
        and kind in ("", folder, KINDS[folder], folder.removesuffix("s"))
    ]
    if not found:
        raise UsageError(unknown("name", name, sorted(_names())))
    return found


def readable(text: str) -> str:
    """A page without what only a browser can use: comments, and links to other pages.

    A list of pages has their names, as this command takes them.
    """
    text = _LISTED.sub(r"- `\1`", text)
    return _LINK.sub(r"\1", _COMMENT.sub("", text)).replace("<br>", "; ").strip()


def _print(title: str, text: str) -> None:
    if title:
        print(f"{title}\n")
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.markdown import Markdown, TableElement
    from rich.table import Table

    from statetrail.cli.output.terminal import stdout

    class Folded(TableElement):
        """A table in which no word is cut."""

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for shown in super().__rich_console__(console, options):
                assert isinstance(shown, Table)
                for column in shown.columns:
                    column.overflow = "fold"
                yield shown

    class Page(Markdown):
        elements = Markdown.elements | {"table_open": Folded}

    console = stdout()
    console.print(Page(text, hyperlinks=False), width=min(console.width, _WIDEST))
