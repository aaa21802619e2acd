"""Random histories: overlapping exchanges, equal times, lost responses, several clients.

Few values, few clients and a coarse clock, so that everything that can coincide does.
"""

from hypothesis import strategies as st

from support.histories import Ex, Issue, Present

_VALUES = ("a", "b", "c")
_PATHS = ("/API/V3/Cart", "/services/v3/baskets/1", "/services/v3/products")


def issues() -> st.SearchStrategy[Issue]:
    """One issued value, now and then malformed."""
    zest = st.builds(
        Issue,
        st.just("_session_token"),
        st.sampled_from(_VALUES),
        st.just("uriquery"),
        st.just("forced"),
        problem=st.sampled_from((None, None, None, None, "empty-value")),
        dialect=st.just("zest"),
    )
    eseller = st.builds(
        Issue,
        st.sampled_from(("LangId", "Ticket")),
        st.sampled_from(_VALUES),
        st.sampled_from(("header", "uriquery", "implicit")),
        st.sampled_from(("informational", "forced")),
        problem=st.sampled_from((None, None, None, None, "no-tail")),
    )
    return zest | zest | eseller


def presentations() -> st.SearchStrategy[Present]:
    """One presented value, a request for one, or an empty one."""
    zest = st.sampled_from((*_VALUES, *_VALUES, "1", "1", "")).map(
        lambda value: Present(
            "_session_token",
            value,
            "uriquery",
            "establish" if value == "1" else "value" if value else "empty",
            dialect="zest",
        )
    )
    eseller = st.builds(
        Present,
        st.sampled_from(("LangId", "Ticket", "Authentication")),
        st.sampled_from((*_VALUES, "d")),
        st.sampled_from(("header", "uriquery")),
    )
    return zest | zest | eseller


@st.composite
def exchanges(draw: st.DrawFn, span: int = 24) -> Ex:
    """One exchange within `span` ticks of a second; its response may be lost, or never end."""
    start = draw(st.integers(0, span))
    begun = start + draw(st.integers(0, 4))
    ended = begun + draw(st.integers(0, 4))
    fate = draw(st.sampled_from(("whole",) * 8 + ("cut short", "lost")))
    lost = fate == "lost"
    issued = () if lost else draw(st.lists(issues(), max_size=2).map(_one_each))
    return Ex(
        start * 1000,
        None if lost else begun * 1000,
        ended * 1000 if fate == "whole" else None,
        issued,
        draw(st.lists(presentations(), max_size=2)),
        client=draw(st.sampled_from(("app", "bot"))),
        path=draw(st.sampled_from(_PATHS)),
        status=draw(st.sampled_from((200, 200, 200, 401, 500))),
        host=draw(st.sampled_from(("one.example", "two.example"))),
    )


def histories(max_size: int = 40) -> st.SearchStrategy[list[Ex]]:
    """Several clients' exchanges with two origins, in any order of the rows."""
    return st.lists(exchanges(), max_size=max_size)


def _one_each(drawn: list[Issue]) -> list[Issue]:
    """The issues as one response can make them: one well-formed value per parameter."""
    named = {(issue.dialect, issue.param): issue for issue in drawn}
    return list(named.values())
