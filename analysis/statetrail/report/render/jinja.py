"""The template engine of the reports: one set of options, wording and templates for all formats.

The frames of the formats are in `templates`, the templates of a section in its file or beside it.
"""

import pickle
import shlex
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemBytecodeCache,
    PackageLoader,
    StrictUndefined,
)
from jinja2.bccache import Bucket

from statetrail.report import wording
from statetrail.report.document import Document


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates of earlier runs; one that cannot be read or written is compiled anew."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, ValueError, EOFError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def environment(finalize: Callable[[Any], object], *, autoescape: bool) -> Environment:
    """An environment whose every output passes `finalize`."""
    made = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("statetrail.report.render"),
                *(PackageLoader("statetrail.report", folder) for folder in _folders()),
                DictLoader(
                    {
                        f"{kind.file()}.{suffix}": text
                        for kind in Document.sections
                        for suffix, text in kind.templates.items()
                    }
                ),
            ]
        ),
        autoescape=autoescape,  # noqa: S701 - Markdown is escaped by its `finalize`
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(f"{finalize.__name__}-{autoescape}"),
    )
    made.filters |= {
        "duration": wording.duration,
        "percent": wording.percent,
        "number": wording.count,
        "compact": wording.compact,
        "tally": wording.tally,
        "listed": wording.listed,
        "when": wording.when,
        "exactly": wording.when_exactly,
        "period": wording.period,
    }
    made.globals |= {"interval": wording.interval, "plural": wording.count}
    return made


def _compiled(options: str) -> FileSystemBytecodeCache | None:
    """The cache in this user's own folder for temporary files; none where that is not safe.

    Jinja knows a compiled template by its source alone, so that its file says what else it is of.
    """
    made_by = "-".join(f"{name}-{version(name)}" for name in ("statetrail", "jinja2"))
    try:
        return _Compiled(pattern=f"{made_by}-{options}-%s.cache")
    except (OSError, RuntimeError):
        return None


def _folders() -> tuple[str, ...]:
    """The folders of the sections' modules, in which their templates are, relative to the package.

    >>> _folders()
    ('sections', 'sections/appendix')
    """
    packages = (kind.__module__.rpartition(".")[0] for kind in Document.sections)
    inside = (name.removeprefix("statetrail.report.").replace(".", "/") for name in packages)
    return tuple(dict.fromkeys(inside))


def rendered_sections(
    made: Environment, document: Document, suffix: str, **context: object
) -> list[tuple[str, str, str]]:
    """Each section that has a template of this suffix: its file, its link, and its text."""
    context |= {"doc": document, "show": lambda table: show_command(document, table)}
    known = frozenset(made.list_templates())
    found = []
    for kind in Document.sections:
        if (name := f"{kind.file()}.{suffix}") in known:
            section = document.section(kind)
            text = made.get_template(name).render(section=section, **context)
            found.append((kind.file(), section.link(), text))
    return found


def show_command(document: Document, table: str) -> str:
    """The command that lists all rows of a table."""
    store = document.settings.stores[0] if document.settings.stores else "STORE"
    return f"statetrail show {shlex.quote(store)} {table}"
