"""State in the query of a request's target: ``?_session_token=…``."""

from collections.abc import Sequence
from typing import Any, ClassVar

from statetrail.dialects.place import (
    PARAM,
    Conditional,
    Declared,
    KeyProblem,
    Outgoing,
    Part,
    PresentPlace,
    PresentReader,
)
from statetrail.dialects.wire import MAX_VALUE_BYTES, Target, text, unquote


class QueryPresent(
    Conditional, PresentPlace, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Requests present values in the query field of that name; with `fold` in any letter case."""

    channel: ClassVar[str] = "uriquery"
    part: ClassVar[Part] = "query"
    says: ClassVar[str] = "the query field `{}`"
    query: str
    fold: bool = False

    def check(self) -> None:
        super().check()
        if not self.query:
            raise KeyProblem("query", "the name is empty: write the name of a query field")

    def phrase(self, name: str) -> str:
        return super().phrase(name) + (", in any letter case" if self.fold else "")

    @classmethod
    def reader(cls, declared: Sequence[Declared[Any]]) -> PresentReader:
        return _PresentReader(declared)

    def write(self, param: str, value: str, request: Outgoing) -> None:
        request.query.append((self.query.replace(PARAM, param), value))


class _PresentReader(PresentReader):
    reads_target = True

    def __init__(self, declared: Sequence[Declared[QueryPresent]]) -> None:
        self._exact: dict[bytes, str] = {}
        self._folded: dict[bytes, str] = {}
        for each in declared:
            for param in each.params:
                key = each.place.query.replace(PARAM, param).encode()
                if each.place.fold:
                    self._folded[key.lower()] = param
                else:
                    self._exact[key] = param

    def in_target(self, target: Target) -> list[tuple[str, str]]:
        return [
            (param, text(unquote(value[:MAX_VALUE_BYTES])))
            for key, value in target.query
            if (param := self._exact.get(key) or self._folded.get(key.lower())) is not None
        ]
