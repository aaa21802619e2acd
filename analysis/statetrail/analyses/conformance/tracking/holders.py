"""Holders: which sender holds each value of a session key, as far as a tracker has seen it.

Enters: that a sender presented or was issued a value. Leaves: marks on the sessions and senders
that others share. `statetrail.analyses.conformance.by_session.other_senders` has this for whole
recordings.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Self

MAX_HELD: Final = 262_144
"""Values remembered; beyond it, the one not seen for the longest is forgotten."""

type Shares = Callable[[str, str, str, int], bool]
"""Whether several senders hold this value: (origin, dialect, param, fingerprint)."""
type Hold = Callable[[str, int, Sequence["Mark"]], None]
"""A sender holds a value: (param, fingerprint), and what to mark if others hold it, too."""


class Mark:
    """A mark, once set set for good; copies are the same mark."""

    __slots__ = ("_is_set",)

    def __init__(self) -> None:
        self._is_set = False

    def __bool__(self) -> bool:
        return self._is_set

    def set(self) -> None:
        """Set it."""
        self._is_set = True

    def __deepcopy__(self, _: object) -> Self:
        return self


class Holders:
    """The senders of each value.

    Parameters
    ----------
    shares
        What is known beforehand of a whole capture; by default only what was seen so far counts.
    """

    def __init__(self, shares: Shares | None = None) -> None:
        self._shares = shares
        self._held: OrderedDict[tuple[str, str, str, int], dict[str, Sequence[Mark]]] = (
            OrderedDict()
        )

    def __deepcopy__(self, _: object) -> Self:
        return self

    def hold(
        self, client: str, origin: str, dialect: str, param: str, value: int, marks: Sequence[Mark]
    ) -> None:
        """A sender holds a value; the marks are set as soon as another one does."""
        key = (origin, dialect, param, value)
        if self._shares is not None:
            if self._shares(*key):
                _set(marks)
            return
        senders = self._held.setdefault(key, {})
        self._held.move_to_end(key)
        if len(self._held) > MAX_HELD:
            self._held.popitem(last=False)
        if len(senders) < 2 or client in senders:
            senders[client] = marks
        if len(senders) > 1:
            for each in (*senders.values(), marks):
                _set(each)


def _set(marks: Sequence[Mark]) -> None:
    for mark in marks:
        mark.set()
