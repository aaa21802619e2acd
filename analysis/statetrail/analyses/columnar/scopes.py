"""Scopes: which clients' origins speak a dialect, and what its globs say of paths.

Enters: facts of a bucket, and its dialects. Leaves: the facts of the dialects that are spoken, and
`PathAnswers`. A dialect whose scope names no paths is spoken between a client and a realm once a
value was issued at a place that tells so (`IssueKeys.tells`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from statetrail.analyses.columnar.arrays import Bools, Ints
from statetrail.analyses.columnar.coding import integers
from statetrail.dialects import Dialect, globs

MAX_PATHS: Final = 2**17
"""Paths whose answers are remembered; beyond it all are forgotten."""
ACTIONS: Final = ("login", "logout", "cart", "order", "own_state", "state_methods", "health")
"""The fields of `Scope` that say what is done at a path."""

_EXACT, _FOLDED = "exact", "folded"

type Question = tuple[str, ...]
"""How letter case counts, and globs."""
type Rows = tuple[pa.Table, Ints, Ints]
"""Facts, with the places of their exchanges and of their parameters."""


def spoken(
    rows: Sequence[Rows],
    dialects: Sequence[Dialect],
    client: Ints,
    params: Mapping[tuple[str, str], int],
) -> list[Rows]:
    """The rows of dialects that are spoken; the first are those of table `issued`.

    `client` is that of each exchange, with its realm.
    """
    issues, issuing, number = rows[0]
    names = [dialect.name for dialect in dialects]
    of = np.array([names.index(dialect) for dialect, _ in params], dtype=np.int64)
    scoped = np.array([bool(dialect.scope.paths) for dialect in dialects], dtype=np.bool_)
    is_spoken = np.zeros((int(client.max(initial=0)) + 1, len(names)), dtype=np.bool_)
    is_spoken |= scoped
    telling = np.flatnonzero(integers(issues["tells"]) == 1)
    is_spoken[client[issuing[telling]], of[number[telling]]] = True
    kept = []
    for table, exchange, param in rows:
        which = is_spoken[client[exchange], of[param]]
        kept.append((table.filter(pa.array(which)), exchange[which], param[which]))
    return kept


@dataclass(frozen=True, slots=True)
class PathAnswers:
    """Whether globs match the paths of a bucket's endpoints.

    `bits` has a row for each path, in which the bits of its bytes, the lowest first, answer
    `questions`.
    """

    questions: tuple[Question, ...]
    bits: npt.NDArray[np.uint8]

    def of(self, paths: tuple[str, ...], *, exact: bool = False) -> Bools:
        """Whether one of the globs of a dialect matches each path, exactly or in any letter case.

        No path matches where there are none.
        """
        if not paths:
            return np.zeros(len(self.bits), dtype=np.bool_)
        byte, bit = divmod(self.questions.index((_EXACT if exact else _FOLDED, *paths)), 8)
        return (self.bits[:, byte] >> np.uint8(bit) & np.uint8(1)).astype(np.bool_)


def path_answers(dialects: Sequence[Dialect], paths: Sequence[str]) -> PathAnswers:
    """What all globs of these dialects say of each path."""
    questions = tuple(dict.fromkeys(q for each in dialects for q in _questions(each) if q[1:]))
    globs_of = tuple((how == _EXACT, tuple(own)) for how, *own in questions)
    width, known = -(-len(questions) // 8), _known(questions)
    if len(known) > MAX_PATHS:
        known.clear()
    answers = []
    for path in paths:
        if (own := known.get(path)) is None:
            own = known[path] = globs.answers(globs_of, path).to_bytes(width, "little")
        answers.append(own)
    bits = np.frombuffer(b"".join(answers), np.uint8)
    return PathAnswers(questions, bits.reshape(len(paths), width))


def _questions(dialect: Dialect) -> Iterator[Question]:
    yield (_EXACT, *dialect.scope.paths)
    for action in ACTIONS:
        yield (_FOLDED, *getattr(dialect.scope, action))
    for param in dialect.params:
        for own in (param.only_on, param.not_on, param.state_methods):
            yield (_FOLDED, *own)


@lru_cache(16)
def _known(_: tuple[Question, ...]) -> dict[str, bytes]:
    """The answers to these questions that are remembered: paths come again in every bucket."""
    return {}
