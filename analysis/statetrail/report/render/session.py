"""The timeline of a session as a fragment of HTML for a notebook's output cell.

Enters: a `Timeline`. Leaves: HTML with one style sheet of its own and one picture, in which all
text is escaped.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from statetrail.report.charts.hues import apart
from statetrail.report.charts.palette import HUES, hue, variables
from statetrail.report.charts.session_lane import drawn_part, session_lane
from statetrail.report.render.html import notebook_environment

if TYPE_CHECKING:
    from statetrail.report.timeline import Timeline

_TEMPLATE: Final = "session.html.j2"


def render_session(timeline: "Timeline") -> str:
    """The swim-lane with its title; of a long session the part around its first fault."""
    first, end = drawn_part(timeline.exchanges, timeline.judged)
    shown = timeline.exchanges[first:end]
    values = [value.value for one in shown for value in (*one.presented, *one.issued)]
    chosen = apart(pair for pair in pairwise(values) if pair[0] != pair[1])
    lane = session_lane(
        shown,
        timeline.judged,
        timeline.session["param"],
        lambda value: chosen.get(value, hue(value)),
    )
    return (
        notebook_environment()
        .get_template(_TEMPLATE)
        .render(
            title=timeline.title,
            drawn=lane,
            before=first,
            after=len(timeline.exchanges) - end,
            hues=len(HUES["light"]),
            light=Markup(variables("light")),  # noqa: S704 - our own colours
            dark=Markup(variables("dark")),  # noqa: S704
        )
    )
