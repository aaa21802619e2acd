"""The HTML report: one file, no network, readable in light, dark, small and print.

Enters: a `Document`. Leaves: HTML. All text of the document is hostile: autoescape is on, the
content security policy allows one style sheet and one script, by their hashes, and nothing else;
no text of a document is in them. The charts have the colours of the style sheet. The script sorts
and filters tables; the page is complete without it.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from jinja2 import Environment
from markupsafe import Markup, escape

from statetrail.analyses.conformance.verdict import BY_NAME, FAULTS, HONOURED, NOT_APPLICABLE
from statetrail.report import wording
from statetrail.report.charts import expiry, gaps, timeline
from statetrail.report.charts.hues import hues
from statetrail.report.charts.palette import HUES, variable, variables
from statetrail.report.charts.svg import Picture
from statetrail.report.charts.swimlane import swimlane
from statetrail.report.document import Document
from statetrail.report.render.jinja import environment, rendered_sections
from statetrail.report.sections.findings import FindingsSection, shown_evidence
from statetrail.report.sections.heatmap import heatmaps
from statetrail.report.wording import visible

MAX_CLIENTS: Final = 300
MAX_CARDS: Final = 100
"""Rules whose findings are shown: more than there are."""
OPEN_ROWS: Final = 10
"""Findings of a rule that are not folded."""
MAX_ROTATIONS: Final = 100
MAX_ROWS: Final = 100
"""Rows of the other long tables."""
WIDTHS: Final = (1016, 358)
"""Widths of a chart in pixels: on a wide page, and on a phone."""

BAR_ORDER: Final = (
    *(HONOURED, *FAULTS),
    *(name for name in BY_NAME if name not in (HONOURED, NOT_APPLICABLE, *FAULTS)),
)
"""What a client's bar shows, left to right: what counts, then what does not. A verdict that says
the rule does not bind the request would only hide the others."""
_UNIT: Final = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|d|%)\b|%)")
_DOLLARS: Final = str.maketrans(
    {"$": "\N{FULLWIDTH DOLLAR SIGN}", "\\": "\N{FULLWIDTH REVERSE SOLIDUS}"}
)


class Chart(NamedTuple):
    """A chart as SVG: for a wide page and for a phone."""

    wide: Markup
    narrow: Markup


def render_html(document: Document) -> str:
    """The whole report."""
    made = _environment()
    css = made.get_template("audit.css").render(
        light=variables("light"),
        dark=variables("dark"),
        verdicts=BY_NAME,
        hues=len(HUES["light"]),
    )
    script = made.get_template("audit.js").render()
    sections = rendered_sections(made, document, "html.j2", **_context(document))
    return made.get_template("audit.html.j2").render(
        doc=document,
        css=Markup(css),  # noqa: S704 - our own style sheet; no text of a document is in it
        script=Markup(script),  # noqa: S704 - our own script; no text of a document is in it
        policy=f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        sections=[
            (file, link, Markup(text))  # noqa: S704 - the sections were escaped when rendered
            for file, link, text in sections
            if text.strip()
        ],
    )


def _hash(text: str) -> str:
    """A text as a source that a content security policy allows."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def render_compact(document: Document) -> str:
    """The answers and the counts as a fragment for a notebook's output cell."""
    template = notebook_environment().get_template("notebook.html.j2")
    return template.render(doc=document, severities=document.section(FindingsSection).by_severity)


def notebook_environment() -> Environment:
    """The templates for a notebook's output cells."""
    return _environment(finalize=_no_mathematics)


def _context(document: Document) -> dict[str, Any]:
    """What the templates of all sections may use."""
    by_id = {exchange.exchange: exchange for exchange in document.exchanges}
    hue_of = hues(document)
    cards = document.section(FindingsSection).cards[:MAX_CARDS]
    return {
        "caps": {
            "clients": MAX_CLIENTS,
            "rotations": MAX_ROTATIONS,
            "rows": MAX_ROWS,
            "open": OPEN_ROWS,
        },
        "cards": cards,
        "charts": _charts(document),
        "card_rules": {card.rule for card in cards},
        "evidence": lambda finding: shown_evidence(finding.evidence, by_id),
        "swimlane": lambda finding: swimlane(finding, by_id, hue_of),
        "hue_of": hue_of,
        "heatmaps": heatmaps(document.clients),
        "verdicts": BY_NAME,
        "bar_order": BAR_ORDER,
    }


def _shown(value: object) -> object:
    """What every output passes: text without hidden characters, still marked as safe or not."""
    if isinstance(value, Markup):
        return Markup(visible(value))  # noqa: S704 - it was markup before
    return visible(value) if isinstance(value, str) else value


def _no_mathematics(value: object) -> object:
    """As `_shown`; a notebook sets text between dollars as a formula, links included."""
    shown = _shown(value)
    return shown.translate(_DOLLARS) if isinstance(shown, str) else shown


def _environment(finalize: Callable[[object], object] = _shown) -> Environment:
    made = environment(finalize, autoescape=True)
    made.filters |= {"prose": prose, "segments": segments, "named": named}
    return made


_CODE: Final = Markup("<code>{}</code>")
_OPTION: Final = Markup('<code class="option">{}</code>')


def prose(text: str) -> Markup:
    """A sentence in which what stands between backticks is shown as code; all of it escaped.

    A figure is not separated from its unit at the end of a line, and no option is broken there.

    >>> prose("`a<b` & c")
    Markup('<code>a&lt;b</code> &amp; c')
    >>> prose("`--grace`")
    Markup('<code class="option">--grace</code>')
    """
    parts = _UNIT.sub("\N{NO-BREAK SPACE}", text).split("`")
    if len(parts) % 2 == 0:  # one backtick has no partner: then none means anything
        return escape("`".join(parts))
    return Markup("").join(
        (_OPTION if part.startswith("--") else _CODE).format(part) if at % 2 else escape(part)
        for at, part in enumerate(parts)
    )


def segments(verdicts: Mapping[str, int], of: Sequence[str]) -> list[tuple[str, float, float]]:
    """The pieces of a bar of 100: name, start and width, in the order of `of`."""
    total = sum(verdicts.get(name, 0) for name in of)
    found, at = [], 0.0
    for name in of:
        if number := verdicts.get(name, 0):
            width = 100 * number / total
            found.append((name, round(at, 2), round(width, 2)))
            at += width
    return found


def named(counts: Mapping[str, int]) -> str:
    """Counts in one line; of a single one the name alone.

    >>> named({"header": 12}), named({"header": 12, "implicit": 1})
    ('header', 'header 12, implicit 1')
    """
    return next(iter(counts)) if len(counts) == 1 else wording.tally(counts)


def _charts(document: Document) -> dict[str, Chart]:
    """The charts that have something to show."""
    changes = any(rotation.from_ for rotation in document.rotations)
    known: dict[str, tuple[object, Callable[..., Picture]]] = {
        "timeline": (changes, timeline.timeline),
        "gaps": (document.gaps, gaps.gaps),
        "survival": (document.survival, expiry.survival),
        "likelihood": (document.likelihoods, expiry.likelihood),
    }
    return {
        name: Chart(*(_drawn(draw(document, width=width, paint=variable)) for width in WIDTHS))
        for name, (rows, draw) in known.items()
        if rows
    }


def _drawn(picture: Picture) -> Markup:
    return Markup(picture.svg)  # noqa: S704 - all text was escaped when it was drawn
