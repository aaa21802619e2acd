"""Random histories: overlapping exchanges, equal times, clock steps, lost responses, clients.

Few values, few clients and a coarse clock, so that everything that can coincide does; responses
that often answer a value with itself, so that values live long enough to be used.
"""

from hypothesis import strategies as st

from support.histories import Ex, Issue, Present, token, use

_VALUES = ("a", "b", "c")
# Now and then the clock is set back meanwhile.
_DELAYS = st.sampled_from((0, 0, 0, 1, 1, 1, 2, 2, 5, 5, -2))


@st.composite
def exchanges(draw: st.DrawFn, span: int = 60) -> Ex:
    """One exchange within `span` ticks of a second; its response may be lost, or never end."""
    start = draw(st.integers(0, span))
    begun = start + draw(_DELAYS)
    ended = begun + draw(_DELAYS)
    fate = draw(st.sampled_from(("whole",) * 12 + ("cut short", "lost")))
    path = draw(st.sampled_from(("/API/V3/Cart", "/services/v3/baskets/1", "/services/v3/menus")))
    presented = draw(_zest_request() if "API" in path else _eseller_request())
    answer = _zest_answer(presented) if "API" in path else _eseller_answer(presented)
    return Ex(
        start * 1000,
        None if fate == "lost" else begun * 1000,
        ended * 1000 if fate == "whole" else None,
        () if fate == "lost" else draw(answer),
        presented,
        client=draw(st.sampled_from(("app", "app", "app", "bot"))),
        path=path,
        status=draw(st.sampled_from((200, 200, 200, 200, 401, 500))),
        host=draw(st.sampled_from(("one.example", "one.example", "two.example"))),
    )


def histories(min_size: int = 0, max_size: int = 40) -> st.SearchStrategy[list[Ex]]:
    """Several clients' exchanges with two origins, in any order of the rows."""
    return st.lists(exchanges(), min_size=min_size, max_size=max_size)


def _zest_request() -> st.SearchStrategy[list[Present]]:
    shown = st.sampled_from(("a", "a", "b", "b", "c", "1", "1", "")).map(use)
    return st.sampled_from((0, 1, 1, 1, 1, 1, 2)).flatmap(
        lambda n: st.lists(shown, min_size=n, max_size=n)
    )


def _zest_answer(presented: list[Present]) -> st.SearchStrategy[list[Issue]]:
    kept = [p.value for p in presented if p.kind == "value"]
    answers = [[], *([token(v)] for v in _VALUES), *([[token(kept[0])]] * 6 if kept else [])]
    answers.append([Issue("_session_token", "", problem="empty-value", dialect="zest")])
    return st.sampled_from(answers)


def _eseller_request() -> st.SearchStrategy[list[Present]]:
    names = st.sampled_from(("LangId", "Ticket", "Ticket", "Authentication"))
    shown = st.builds(
        Present, names, st.sampled_from((*_VALUES, "d")), st.sampled_from(("header", "uriquery"))
    )
    return st.lists(shown, max_size=2)


def _eseller_answer(presented: list[Present]) -> st.SearchStrategy[list[Issue]]:
    one = st.builds(
        Issue,
        st.sampled_from(("LangId", "Ticket", "Ticket")),
        st.sampled_from((*_VALUES, *[p.value for p in presented] * 3)),
        st.sampled_from(("header", "header", "uriquery", "implicit")),
        st.sampled_from(("informational", "forced", "forced")),
        problem=st.sampled_from((None,) * 6 + ("no-tail",)),
    )
    # A response issues one well-formed value per parameter.
    return st.lists(one, max_size=2, unique_by=lambda issue: issue.param)
