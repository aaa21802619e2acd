"""The HTML report: one file, no network, readable in light, dark, small and print.

Enters: a `Document`. Leaves: HTML. All text of the document is hostile: autoescape is on, the
content security policy allows one style sheet and one script (by their hashes; no text of a
document is in them) and pictures inside the page, and the charts are pictures. The script sorts and
filters tables; the page is complete without.
"""

import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

import altair as alt
from altair.utils.schemapi import debug_mode
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from statetrail.analyses.conformance.verdicts import FAULTS, VERDICTS
from statetrail.analyses.tokens.rotations import CAUSES
from statetrail.expiry import POLICIES
from statetrail.report import definitions, wording
from statetrail.report.charts import expiry as expiry_plots
from statetrail.report.charts import plots
from statetrail.report.charts.heatmap import heatmaps
from statetrail.report.charts.palette import HUES, hue, variables
from statetrail.report.charts.svg import darkened, data_address, size, svg
from statetrail.report.charts.swimlane import lanes
from statetrail.report.document import Document, EvidenceExchange, Finding
from statetrail.report.heap import uncollected
from statetrail.report.sections.findings import MAX_EVIDENCE, first_of_each
from statetrail.report.wording import visible

MAX_CLIENTS: Final = 300
MAX_FINDINGS: Final = 100
PER_RULE: Final = 10
"""Findings of one rule that are shown where there are more than `MAX_FINDINGS`."""
MAX_ROTATIONS: Final = 100
MAX_ROWS: Final = 100
"""Rows of the other long tables."""
WIDTHS: Final = (1016, 358)
"""Widths of a chart in pixels: on a wide page, and on a phone."""

BAR_ORDER: Final = ("honoured", *FAULTS, "in-flight", "overridden", "foreign")
"""What a client's bar shows, left to right: what counts, then what does not. A verdict that says
the rule does not bind the request would only hide the others."""
_UNIT: Final = re.compile(r"(?<=\d) (?=(?:ms|s|min|h|d|%)\b|%)")
_DOLLARS: Final = str.maketrans(
    {"$": "\N{FULLWIDTH DOLLAR SIGN}", "\\": "\N{FULLWIDTH REVERSE SOLIDUS}"}
)


class Picture(NamedTuple):
    """A chart in both schemes, as addresses of pictures, and the room that they take."""

    light: str
    dark: str
    width: int
    height: int


class Chart(NamedTuple):
    """A chart for a wide page and for a phone, and what it is in words."""

    wide: Picture
    small: Picture
    alt: str


@uncollected()
def render_html(document: Document) -> str:
    """The whole report."""
    environment = _environment()
    css = environment.get_template("audit.css").render(
        light=variables("light"),
        dark=variables("dark"),
        verdict_names=VERDICTS,
        hues=len(HUES["light"]),
    )
    # The library holds each of thousands of marks to its schema, again and again; tests do it once.
    with debug_mode(False):
        charts = _charts(document)
    script = environment.get_template("audit.js").render()
    return environment.get_template("audit.html.j2").render(
        css=Markup(css),  # noqa: S704 - our own style sheet; no text of a document is in it
        script=Markup(script),  # noqa: S704 - our own script; no text of a document is in it
        policy=f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        charts=charts,
        **_context(document),
    )


def _hash(text: str) -> str:
    """A text as a source that a content security policy allows."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def render_compact(document: Document) -> str:
    """The answers and the counts as a fragment for a notebook's output cell."""
    environment = _environment(finalize=_no_mathematics)
    return environment.get_template("notebook.html.j2").render(**_context(document))


def _context(document: Document) -> dict[str, Any]:
    """What all templates are given."""
    by_id = {exchange.exchange: exchange for exchange in document.exchanges}
    shown = first_of_each(document.findings, PER_RULE, MAX_FINDINGS)
    long = ("causes", "overrides", "sessions", "shared", "leaks")
    return {
        "doc": document,
        "caps": {"clients": MAX_CLIENTS, "rotations": MAX_ROTATIONS}
        | dict.fromkeys(long, MAX_ROWS),
        "by_id": by_id,
        "shown": shown,
        "new_ids": set(document.baseline.new) if document.baseline is not None else set(),
        "by_rule": by_rule(document),
        "lanes": {finding.id: lanes(finding, by_id) for finding in shown},
        "heats": heatmaps(document.clients),
        "severities": severities(document),
        "changes": [rotation for rotation in document.rotations if rotation.from_ is not None],
        "changes_total": sum(parameter.changes for parameter in document.parameters),
        "show": lambda table: show_command(document, table),
        "verdict_names": VERDICTS,
        "bar_order": BAR_ORDER,
        "faults": FAULTS,
        "definitions": definitions,
        "causes": CAUSES,
    }


def severities(document: Document) -> dict[str, int]:
    """How many findings there are of each severity, the gravest first."""
    found: dict[str, int] = {}
    for finding in document.findings:
        found[finding.severity] = found.get(finding.severity, 0) + 1
    return found


class RuleRow(NamedTuple):
    """What one rule found in all."""

    rule: str
    title: str
    severity: str
    audience: str
    findings: int
    clients: int
    seen: int


def by_rule(document: Document) -> list[RuleRow]:
    """What each rule found, in the order of the findings: the gravest first."""
    rows: dict[str, list[Finding]] = {}
    for finding in document.findings:
        rows.setdefault(finding.rule, []).append(finding)
    return [
        RuleRow(
            rule=name,
            title=found[0].title,
            severity=found[0].severity,
            audience=found[0].audience,
            findings=len(found),
            clients=len({one.client for one in found if one.client is not None}),
            seen=sum(one.count for one in found),
        )
        for name, found in rows.items()
    ]


def show_command(document: Document, table: str) -> str:
    """The command that lists all rows of a table."""
    store = document.settings.stores[0] if document.settings.stores else "STORE"
    return f"statetrail show {shlex.quote(store)} {table}"


def _shown(value: object) -> object:
    """What every output passes: text without hidden characters, still marked as safe or not."""
    if isinstance(value, Markup):
        return Markup(visible(value))  # noqa: S704 - it was markup before
    return visible(value) if isinstance(value, str) else value


def _no_mathematics(value: object) -> object:
    """As `_shown`; a notebook sets what stands between dollars as a formula, links included."""
    shown = _shown(value)
    return shown.translate(_DOLLARS) if isinstance(shown, str) else shown


def _environment(finalize: Callable[[object], object] = _shown) -> Environment:
    environment = Environment(
        loader=PackageLoader("statetrail.report.render"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": wording.duration,
        "percent": wording.percent,
        "number": wording.count,
        "compact": wording.compact,
        "tally": wording.tally,
        "listed": wording.listed,
        "when": wording.when,
        "exactly": wording.when_exactly,
        "period": wording.period,
        "hue": hue,
        "prose": prose,
        "segments": segments,
        "told": told,
        "named": named,
    }
    environment.globals |= {
        "interval": wording.interval,
        "plural": wording.count,
        "policies": POLICIES,
    }
    return environment


def prose(text: str) -> Markup:
    """A sentence in which what stands between backticks is shown as code; all of it escaped.

    A figure is not parted from its unit at the end of a line.

    >>> prose("`a<b` & c")
    Markup('<code>a&lt;b</code> &amp; c')
    """
    parts = _UNIT.sub("\N{NO-BREAK SPACE}", text).split("`")
    if len(parts) % 2 == 0:  # one backtick has no partner: then none means anything
        return escape("`".join(parts))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part)
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
    """Counts in one line; where there is but one, its name says it all.

    >>> named({"header": 12}), named({"header": 12, "implicit": 1})
    ('header', 'header 12, implicit 1')
    """
    return next(iter(counts)) if len(counts) == 1 else wording.tally(counts)


def told(ids: Sequence[int], exchanges: Mapping[int, EvidenceExchange]) -> list[EvidenceExchange]:
    """The first of the exchanges, those that the document tells in full."""
    return [exchanges[one] for one in ids[:MAX_EVIDENCE] if one in exchanges]


def _charts(document: Document) -> dict[str, Chart]:
    """The charts that have something to show."""
    charts = {}
    if any(rotation.from_ for rotation in document.rotations):
        charts["timeline"] = _chart(
            lambda width: plots.timeline(document, width=width),
            "Timeline: from when to when each value was seen, one lane a client and parameter; "
            "the changes are listed in the table below.",
        )
    if document.gaps:
        charts["gaps"] = _chart(
            lambda width: plots.gaps(document, width=width),
            "Idle gaps on a logarithmic axis, those that a value survived and those that were "
            "fatal, with the interval of the timeout shaded; the figures are in the table below.",
        )
    if document.survival:
        charts["survival"] = _chart(
            lambda width: expiry_plots.survival(document, width=width),
            "Survival curve on a logarithmic axis: the share of the clients whose limit lies "
            "beyond a span, with a band of 95 % confidence and marks where tokens were left alive.",
        )
    if document.likelihoods:
        charts["likelihood"] = _chart(
            lambda width: expiry_plots.likelihood(document, width=width),
            "Bars, one a model of the server: how far the logarithm of its evidence lies below "
            "that of the best model.",
        )
    return charts


def _chart(draw: Callable[[int], alt.LayerChart], alternative: str) -> Chart:
    wide, small = (_picture(draw(width)) for width in WIDTHS)
    return Chart(wide, small, alternative)


def _picture(chart: alt.LayerChart) -> Picture:
    drawn = svg(chart)
    return Picture(data_address(drawn), data_address(darkened(drawn)), *size(drawn))
