"""Overrides: what became of values that clients chose themselves, where they may.

Enters: a recording. Leaves: the table `overrides`, and the outcome of each single override.

An override is *answered* where the server's next issue of the parameter, in the same response or a
later one, is the client's value: it has been adopted. It is *fought* where that issue is another
value, and *unanswered* where none came. The latter two are what the protocol announces on what has
a state of its own, as a basket (`Dialect.has_own_state`): there a fought attempt had no effect.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, Past, among, chosen
from statetrail.analyses.columnar.bucket import Part
from statetrail.analyses.columnar.dialect_masks import Rules
from statetrail.analyses.columnar.executor import Lived, by_lives
from statetrail.analyses.columnar.result_rows import of_series, table, words
from statetrail.analyses.conformance.verdicts import VERDICTS, Judged, judged
from statetrail.analyses.events.details import of_pairs
from statetrail.analyses.events.history import pairs
from statetrail.analyses.events.scope import declared
from statetrail.analyses.exposure.tables import OUTCOMES_OF_OVERRIDES, OVERRIDES
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Frame, Recording

OUTCOMES: Final = ("answered", "fought", "unanswered")
ANSWERED, FOUGHT, UNANSWERED = range(3)


def own_state(rec: Recording) -> Lazy:
    """Where values in a request have no effect: columns ``endpoint``, ``dialect``, ``param``."""
    return declared(rec, "own state", lambda d, param, at: d.has_own_state(param.name, at))


def overrides(rec: Recording) -> Frame:
    """What became of the clients' own values (table `overrides`), computed once."""
    return by_lives(rec, OVERRIDES, _overrides)


def outcomes(rec: Recording) -> Lazy:
    """The outcome of each override.

    Returns
    -------
    Lazy
        Columns `SERIES`, ``exchange_id``, ``request_start_us``, ``endpoint`` and ``outcome``, one
        of `OUTCOMES`.
    """
    return by_lives(rec, OUTCOMES_OF_OVERRIDES, _outcomes).lazy


def _outcomes(part: Part, rules: Rules, told: Lived) -> pa.Table:
    made, outcome = _judged(part, rules, told)
    endpoints = [endpoint for _, endpoint in part.endpoints]
    return table(
        OUTCOMES_OF_OVERRIDES,
        {
            **of_series(part, made.series),
            "exchange_id": part.exchanges.id[made.ex],
            "request_start_us": part.exchanges.clock[part.exchanges.asked[made.ex]],
            "endpoint": words(part.exchanges.where[made.ex], endpoints),
            "outcome": words(outcome, OUTCOMES),
        },
    )


def _overrides(part: Part, rules: Rules, told: Lived) -> pa.Table:
    made, outcome = _judged(part, rules, told)
    series, place = np.unique(made.series, return_inverse=True)
    asked = part.exchanges.asked[made.ex]
    first = np.full(len(series), part.exchanges.span, dtype=np.int64)
    last = np.full(len(series), NOTHING, dtype=np.int64)
    np.minimum.at(first, place, asked)
    np.maximum.at(last, place, asked)

    def counted(which: Bools) -> Ints:
        return np.bincount(place[which], minlength=len(series))

    dialects = {dialect.name: dialect for dialect in rules.dialects}
    on_basket = of_pairs(
        *(part.exchanges.where[made.ex], part.series_param[made.series]),
        lambda where, param: dialects[part.params[param][0]].has_own_state(
            part.params[param][1], part.endpoints[where][1]
        ),
    )
    return table(
        OVERRIDES,
        {
            **of_series(part, series),
            "overrides": counted(outcome >= 0),
            **{name: counted(outcome == at) for at, name in enumerate(OUTCOMES)},
            "on_baskets": counted(on_basket),
            "without_effect": counted(on_basket & (outcome == FOUGHT)),
            "first_us": part.exchanges.clock[first],
            "last_us": part.exchanges.clock[last],
        },
    )


def _judged(part: Part, rules: Rules, told: Lived) -> tuple[Judged, Ints]:
    """The overrides of a part, and what became of each as a place in `OUTCOMES`."""
    every = judged(part, rules)
    made = chosen(every, every.rank == VERDICTS.index("overridden"))
    answers, series_count = told.lives.answers, len(part.series_who)
    begun = part.exchanges.begun[answers.ex]
    past = Past(answers.series, begun, part.exchanges.span)
    following = past.after(made.series, part.exchanges.asked[made.ex] - 1)
    moment = np.append(begun, NOTHING)[following]
    past = Past(answers.value, begun, part.exchanges.span)
    # Of several issues at one moment any may be the answer: the one that adopts the value counts.
    adopted = past.maxima(begun)[past.at(made.value, moment)] == moment
    own = _issued(answers.ex, answers.series, made.ex, made.series, series_count)
    same = _issued(answers.ex, answers.value, made.ex, made.value, len(part.values))
    outcome = np.select(
        [own & same, own, following == NOTHING, adopted],
        [np.int64(ANSWERED), np.int64(FOUGHT), np.int64(UNANSWERED), np.int64(ANSWERED)],
        np.int64(FOUGHT),
    )
    return made, outcome


def _issued(ex: Ints, of: Ints, wanted_ex: Ints, wanted: Ints, count: int) -> Bools:
    """Whether these responses issued these values, or any of these series."""
    return among(np.unique(pairs(ex, of, count)), pairs(wanted_ex, wanted, count)) >= 0
