"""Charts in a notebook: interactive where the notebook can, and always without a network.

Enters: Altair's registry of renderers. Leaves: a renderer that gives each chart twice: as a widget
with its program inside (`anywidget`), which Jupyter and VS Code run, and as a static picture for
all other readers of the file. Altair's own default loads its programs from other servers.
"""

from importlib.util import find_spec
from typing import Any, Final

import altair as alt
import vl_convert

NAME: Final = "statetrail"
"""The renderer's name in Altair."""

_VEGALITE: Final = ".".join(alt.VEGALITE_VERSION.split(".")[:2])

# A chart can be saved. It is never sent to the editor of Vega's site, which the menu would offer.
_EMBED: Final = {"actions": {"export": True, "source": False, "compiled": False, "editor": False}}


def offline_charts() -> None:
    """Make Altair's charts interactive in this notebook, without any network.

    Zooming, selecting and linked charts work where the extra ``notebooks`` is installed. Without
    its package anywidget, and where a notebook is only read, charts are pictures.
    """
    alt.renderers.register(NAME, _bundle)
    alt.renderers.enable(NAME)


def _bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A chart by media types, of which a reader takes the best that it knows."""
    picture = vl_convert.vegalite_to_svg(spec, vl_version=_VEGALITE, allowed_base_urls=[])
    return {"image/svg+xml": picture, "text/plain": "a chart"} | _widget(spec)


def _widget(spec: dict[str, Any]) -> dict[str, Any]:
    if find_spec("anywidget") is None:
        return {}
    alt.JupyterChart.enable_offline(offline=True)
    widget = alt.JupyterChart(alt.Chart.from_dict(spec), embed_options=_EMBED)
    shown = widget._repr_mimebundle_()
    bundle: dict[str, Any] = shown[0] if isinstance(shown, tuple) else shown or {}
    return bundle
