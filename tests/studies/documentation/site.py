"""MkDocs' hook for the site of the documentation: its navigation, pages from elsewhere, its links.

Enters: the pages of the package, the files of the project's root and the built-in dialects. Leaves:
a site whose every link and anchor leads somewhere, and which fetches nothing of a network. What is
wrong is a warning, and ``make site`` is strict. It runs in an environment without statetrail.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "analysis" / "statetrail" / "docs"
BUILTIN: Final = DOCS.parent / "dialects" / "builtin"
OUTSIDE: Final = {
    ROOT / "CONTRIBUTING.md": "contributing.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    ROOT / "SECURITY.md": "security.md",
    Path(__file__).with_name("iframe-worker.js"): "assets/iframe-worker.js",
    Path(__file__).with_name("site.css"): "assets/site.css",
    Path(__file__).with_name("site.js"): "assets/site.js",
    **{path: f"dialects/builtin/{path.name}" for path in sorted(BUILTIN.glob("*.toml"))},
}
"""Files that are no pages of the package, and where the site has them."""
_LINK: Final = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_FETCHES: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}

logger: Final = logging.getLogger("mkdocs.hooks.site")


def named(folder: str, index: str = "") -> list[Any]:
    """The pages of a folder by their file names, after the one that lists them."""
    pages = sorted(path.stem for path in (DOCS / folder).glob("*.md") if path.stem != "index")
    return [*([index] if index else []), *({name: f"{folder}/{name}.md"} for name in pages)]


def listed(entries: Iterable[Any]) -> Iterator[str]:
    """The pages of a navigation."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from listed([inner] if isinstance(inner, str) else inner)


def navigation() -> list[Any]:
    """All pages in reading order; those that have no place in it are last."""
    entries = _places()
    known = set(listed(entries))
    pages = (path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.md")))
    more = [name for name in pages if name not in known]
    return [*entries, {"More": more}] if more else entries


def _places() -> list[Any]:
    dialects = named("dialects", "dialects/index.md")
    return [
        {"Start": ["index.md", "installing.md", "quickstart.md", "concepts.md", "faq.md"]},
        {
            "Recording": [
                *("recorder.md", "operations.md", "formats.md", "capture.md", "sessions.md"),
                *("threat-model.md", "sharing.md", "datasets.md", "performance.md"),
            ]
        },
        {"Protocols": [{"Built-in dialects": dialects}, "dialects.md", "suggest.md"]},
        {
            "Results": [
                *("report.md", "results.md", "races.md", "rotations.md", "expiry.md"),
                *("profiles.md", "suppressions.md"),
                {"Verdicts": named("verdicts")},
                {"Reasons": named("reasons")},
                {"Root causes": named("causes")},
                {"Rules": named("rules")},
            ]
        },
        {"Tables": ["tables.md"]},
        {"Automation": ["ci.md", "pytest.md", "notebooks.md", "assistants.md"]},
        {"Project": ["contributing.md", "changelog.md", "security.md"]},
    ]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation is that of the pages that are there."""
    config.nav = navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files from outside the folder of the pages."""
    for path, name in OUTSIDE.items():
        files.append(File.generated(config, name, content=path.read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to other files of the project lead to the site's copy, or are plain text."""
    name = page.file.src_uri
    source = next((path for path, copy in OUTSIDE.items() if copy == name), DOCS / name)

    def led(match: re.Match[str]) -> str:
        image, text, target = match.groups()
        path, mark, anchor = target.partition("#")
        if not path or "://" in path or target.startswith("mailto:"):
            return match[0]
        there = Path(os.path.normpath(source.parent / path))
        inside = OUTSIDE.get(there) or (
            there.relative_to(DOCS).as_posix() if there.is_relative_to(DOCS) else None
        )
        if inside is not None:
            here = os.path.relpath(inside, os.path.dirname(name) or ".")
            return f"{image}[{text}]({here}{mark}{anchor})"
        if not there.exists():
            logger.warning("%s: %s leads nowhere", name, target)
        return text

    kept: list[str] = []

    def held(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\0{len(kept) - 1}\0"

    bare = _FENCE.sub(held, markdown)
    return re.sub(r"\0(\d+)\0", lambda match: kept[int(match[1])], _LINK.sub(led, bare))


class _Links(HTMLParser):
    """What a page links to, what it fetches, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found[name] or "" for name in ("id", "name") if name in found}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"] or "")
        if (at := _FETCHES.get(tag)) and found.get(at) and found.get("rel") != "canonical":
            self.fetched.append(found[at] or "")


def broken(site: Path) -> Iterator[str]:
    """What leads nowhere, and what a page would fetch from a network."""
    pages = {path: _Links(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        if name.name == "404.html":  # its links are absolute: it is shown at any address
            continue
        for link in page.fetched:
            if urlsplit(link).scheme in ("http", "https") or link.startswith("//"):
                yield f"{name}: fetches {link}"
        for link in (*page.links, *page.fetched):
            yield from (f"{name}: {says}" for says in _nowhere(link, path, pages))
    for style in site.rglob("*.css"):
        for link in re.findall(r"url\(['\"]?(?:https?:)?//[^)]*", style.read_text("utf-8")):
            yield f"{style.relative_to(site)}: fetches {link}"


def _nowhere(link: str, path: Path, pages: dict[Path, _Links]) -> Iterable[str]:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ()
    there = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
    if there.is_dir():
        there /= "index.html"
    if not there.exists():
        return (f"{link} leads nowhere",)
    anchor = unquote(parts.fragment)
    if anchor and there in pages and anchor not in pages[there].anchors:
        return (f"{link} has no such anchor",)
    return ()


def on_post_build(config: MkDocsConfig) -> None:
    """Check the site as it was written."""
    for says in broken(Path(config.site_dir)):
        logger.warning(says)
