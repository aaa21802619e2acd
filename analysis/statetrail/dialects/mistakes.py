"""Mistakes: what a dialect declares although it has no effect, or not the one that was meant.

Enters: a dialect that loads. Leaves: `Mistake`s, each with the key that it is about. What is no
dialect at all is refused by `statetrail.dialects.loading`.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, cast

from statetrail.dialects.declarations import Param
from statetrail.dialects.model import Dialect, condition_of
from statetrail.dialects.place import PARAM, Conditional, IssueKeys, IssuePlace

_TOKENS: Final = (
    "GbT2iMwsNzIBJTZX8egqU2VeauDYRcsZeL34HSOb",
    "9f86d081884c7d659a2feaa0c55ad015",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "482915736604182957361048",
)
"""Texts that are no plain identifier: a value in clear must not look like one of them."""
_EVERYWHERE: Final = ("", "/id")
"""JSON pointers that nearly every response has."""
_SCOPE_GLOBS: Final = ("paths", "login", "logout", "cart", "order", "own_state", "state_methods")


class Mistake(NamedTuple):
    """A key of a dialect's TOML, and what is wrong with it."""

    key: str
    text: str


def mistakes(dialect: Dialect) -> list[Mistake]:
    """What is declared in vain, in the order of the file's tables."""
    return [
        *_of_scope(dialect),
        *_of_family(dialect),
        *(
            found
            for at, param in enumerate(dialect.params)
            for found in _of_param(dialect, param, f"param[{at}]")
        ),
        *_shared_places(dialect),
    ]


def _of_scope(dialect: Dialect) -> Iterator[Mistake]:
    scope = dialect.scope
    for key in (*_SCOPE_GLOBS, "health"):
        yield from _globs(f"scope.{key}", getattr(scope, key))
    if scope.state_methods and not scope.own_state:
        yield Mistake("scope.state_methods", "has no effect without `own_state`: add it")
    if not dialect.has_scope and not any(True for _ in _issues(dialect)):
        yield Mistake(
            "scope",
            "nothing shows where the dialect is spoken: name `paths`, or a place of `issue` that "
            "`tells`",
        )


def _of_family(dialect: Dialect) -> Iterator[Mistake]:
    family = dialect.family
    for key, places in (("issue", family.issue), ("present", family.present)):
        for nth, place in enumerate(places):
            name = cast("Conditional", place).name
            if PARAM not in name and len(dialect.params) != 1:
                yield Mistake(
                    f"family.{key}[{nth}]",
                    f"{name!r} is one place for all parameters: write {PARAM!r} for their names",
                )
    if family.place is not None and not _names_usage(dialect):
        yield Mistake("family.place", _NO_USAGE)
    for nth, issue in enumerate(family.issue):
        yield from _of_issue(dialect, issue, f"family.issue[{nth}]")


_NO_USAGE: Final = (
    "no issue says where its value is to be presented: give a header `grammar`, or leave `place` "
    "out"
)


def _of_param(dialect: Dialect, param: Param, at: str) -> Iterator[Mistake]:
    if not dialect.presented_at(param.name):
        yield Mistake(
            at, f"no request presents {param.name}, so nothing is judged: say with `present` where"
        )
    if not dialect.issued_at(param.name):
        yield Mistake(
            at, f"no response issues {param.name}, so nothing is judged: say with `issue` where"
        )
    for nth, place in enumerate(param.issue):
        yield from _of_issue(dialect, place, f"{at}.issue[{nth}]")
    yield from _idle_keys(dialect, param, at)
    yield from _globs(f"{at}.only_on", param.only_on)
    yield from _globs(f"{at}.not_on", param.not_on)
    if both := [glob for glob in param.not_on if glob in param.only_on]:
        yield Mistake(f"{at}.not_on", f"{both[0]!r} is in `only_on` as well: leave one of them out")
    if wrong := [each for each in param.methods if not re.fullmatch("[A-Z]+", each)]:
        yield Mistake(
            f"{at}.methods", f"{wrong[0]!r} is no method: write it in capitals, e.g. 'POST'"
        )
    if param.name in param.instead:
        yield Mistake(f"{at}.instead", f"{param.name} cannot free from itself: name another one")
    names = [each.name for each in dialect.params]
    for other in param.tied_to:
        if not other.startswith("cookie:") and other not in names:
            yield Mistake(
                f"{at}.tied_to",
                f"{other!r} is no parameter of this dialect: write a cookie as 'cookie:NAME'",
            )
    if param.clear is not None and any(re.fullmatch(param.clear, token) for token in _TOKENS):
        yield Mistake(
            f"{at}.clear",
            f"{param.clear!r} matches what looks like a token, which would be stored in clear: "
            "allow fewer characters",
        )


def _idle_keys(dialect: Dialect, param: Param, at: str) -> Iterator[Mistake]:
    """Keys that have no effect without another one."""
    if param.restart and param.establish is None:
        yield Mistake(f"{at}.restart", "has no effect without `establish`: add it")
    if param.place is not None and not _names_usage(dialect):
        yield Mistake(f"{at}.place", _NO_USAGE)
    if param.state_methods and not dialect.scope.own_state:
        yield Mistake(f"{at}.state_methods", "has no effect without `own_state` of the [scope]")
    if dialect.required(param.name) == "never":
        for key in ("methods", "instead"):
            if getattr(param, key):
                yield Mistake(
                    f"{at}.{key}", "has no effect, since no request owes a value (`required`)"
                )
    if dialect.required(param.name) == "learned" and not param.refused:
        yield Mistake(
            f"{at}.required", "no response refuses a request without it: say how with `refused`"
        )
    ends = (
        dialect.supersedes(param.name) != "none" and param.follows is None,
        *(param.uses, param.refused, param.ends, dialect.void(param.name)),
    )
    if param.grace_s and not any(ends):
        yield Mistake(
            f"{at}.grace_s", "has no effect, since nothing ends a value: leave it out, or say what"
        )
    channels = [place.channel for place in dialect.issued_at(param.name)]
    if param.lifetime == "cookie" and "cookie" not in channels:
        yield Mistake(f"{at}.lifetime", "no cookie issues the value: name seconds, or 'jwt'")


def _of_issue(dialect: Dialect, place: IssuePlace, at: str) -> Iterator[Mistake]:
    keys = cast("IssueKeys", place)
    if isinstance(keys.lifetime, str) and not keys.reads_lifetime:
        yield Mistake(
            f"{at}.lifetime", "only a place in a JSON document has a pointer: write seconds"
        )
    if keys.tells and dialect.has_scope:
        why = "`paths` say" if dialect.scope.paths else "its `scope` says"
        yield Mistake(
            f"{at}.tells", f"has no effect: {why} where the dialect is spoken. Leave it out"
        )
    if (
        getattr(place, "json", None) in _EVERYWHERE
        and not condition_of(place).on
        and (dialect.scope.paths or dialect.scope.hosts)
    ):
        yield Mistake(
            f"{at}.json",
            "nearly every response in scope has this: say with `on` which requests are answered "
            "with it, e.g. on = ['POST **/carts']",
        )


def _shared_places(dialect: Dialect) -> Iterator[Mistake]:
    """Places in which two parameters are presented: which one it is, nothing says."""
    seen: dict[object, str] = {}
    for at, param in enumerate(dialect.params):
        for nth, place in enumerate(param.present):
            if seen.setdefault(place, param.name) != param.name:
                yield Mistake(
                    f"param[{at}].present[{nth}]",
                    f"{seen[place]} is presented there as well: only one of them would be seen",
                )


def _globs(key: str, globs: tuple[str, ...]) -> Iterator[Mistake]:
    if wrong := [glob for glob in globs if " " in glob]:
        yield Mistake(key, f"{wrong[0]!r} has a blank: name paths alone, without a method")


def _issues(dialect: Dialect) -> Iterator[IssuePlace]:
    yield from dialect.family.issue
    for param in dialect.params:
        yield from param.issue


def _names_usage(dialect: Dialect) -> bool:
    return any(getattr(place, "grammar", None) for place in _issues(dialect))
