"""Charts in notebooks: widgets that hold their own program, and pictures."""

import json
import re
from collections.abc import Iterator
from typing import Any

import altair as alt
import pytest

import statetrail as st
from statetrail.report.charts import interactive


@pytest.fixture
def renderer() -> Iterator[None]:
    """Altair's registry as it was."""
    with alt.renderers.enable(alt.renderers.active):
        yield


def chart() -> Any:
    """A chart with a selection, of text from the network."""
    rows = alt.InlineData(values=[{"x": 1, "client": "<script>alert(1)</script>"}])
    picked = alt.selection_point(fields=["client"])
    return alt.Chart(rows).mark_bar().encode(x="x:Q", y="client:N").add_params(picked)


def test_a_chart_is_a_widget_with_its_program_and_a_picture(renderer: None) -> None:
    """Nothing is loaded; the menu offers neither the source nor an editor elsewhere."""
    st.offline_charts()
    bundle = chart()._repr_mimebundle_()
    assert set(bundle) >= {"application/vnd.jupyter.widget-view+json", "image/svg+xml"}
    assert "<script" not in bundle["image/svg+xml"]
    program = str(alt.JupyterChart._esm)
    assert len(program) > 500_000
    assert not re.search(r"""\b(?:from|import)\s*\(?["']https?:""", program)
    assert not interactive._EMBED["actions"]["editor"]


def test_without_the_widget_there_is_the_picture(
    renderer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a notebook's reader or installation knows no widgets."""
    monkeypatch.setattr(interactive, "find_spec", lambda name: None)
    st.offline_charts()
    assert set(chart()._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}
    assert "alert(1)" in json.dumps(chart()._repr_mimebundle_())
