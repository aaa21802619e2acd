"""Labels: they fit their room, keep what tells them apart, and are numbered where nothing does."""

from hypothesis import given
from hypothesis import strategies as st

from statetrail.report.charts.labels import all_fitted, fitted, width_of

ROOMS = st.floats(20, 400)


@given(st.text(max_size=60), st.text(max_size=60), ROOMS)
def test_a_label_fits_its_room_or_has_an_ellipsis(param: str, client: str, room: float) -> None:
    """Whatever the text; one that fits is left as it is."""
    label = f"{param} · {client}"
    short = fitted(label, room)
    assert width_of(short) <= room
    assert short == label if width_of(label) <= room else "…" in short


def test_lanes_that_no_longer_differ_are_numbered() -> None:
    """Of clients the end of the name is kept: it is what differs most."""
    names = [f"token · shop.example/{'very-' * 20}long/{end}" for end in ("app", "web")]
    assert [name[-4:] for name in all_fitted(names, 200)] == ["/app", "/web"]
    assert all_fitted([f"{'i' * 90}{at}" for at in range(3)], 50) == [
        f"{'i' * 10}…", f"{'i' * 10}… (2)", f"{'i' * 10}… (3)"
    ]  # fmt: skip
