"""Ends of values: the responses that brought them, and which values they reach.

Enters: nothing. Leaves: `Ends`, which says when a value had ended for a request.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from statetrail.analyses.columnar.arrays import NOTHING, AsOfIndex, Bools, Ints, among
from statetrail.analyses.columnar.exchanges import Exchanges
from statetrail.analyses.conformance.declared.jars import Jars

type Reach = Literal["value", "client", "jar"]


@dataclass(frozen=True, slots=True)
class Ends:
    """Responses that ended the values of a group, and how much longer servers took these.

    `of_value` is the group of each value; -1 where none of these ends is one of its. `binding`:
    clients have to know it. `reach` says what ends: the value; what the `client` has, unless it is
    in another jar; or what is in the `jar` that the request came from. `own` is the value that the
    request presented, and `jar` its jar; -1 for none, or not known.
    """

    reach: Reach
    group: Ints
    response: Ints
    delay_us: Ints
    of_value: Ints
    binding: Bools
    own: Ints
    jar: Ints

    def latest(
        self,
        exchanges: Exchanges,
        jars: Jars,
        uses: tuple[Ints, Ints, Ints, Ints],
        *,
        surely: bool,
        group: Ints | None = None,
        own_jar: Ints | None = None,
        by_end: bool = False,
    ) -> Ints:
        """The latest start of the responses that ended each value and are known; -1 for none.

        `uses` are values, their series, their requests, and the moments of these. `surely`: it must
        be known, and reaches the jar; else: it may. `group`, `own_jar`: not
        those of the values and requests. `by_end`: the latest end of the responses.
        """
        value, series, exchange, moment = uses
        group = self.of_value[value] if group is None else group
        latest = np.full(len(value), NOTHING, dtype=np.int64)
        every = self.binding if surely else np.ones(len(self.group), dtype=np.bool_)
        if self.reach == "value":
            return self._known(exchanges, every, (self.group, group), moment, surely=surely)
        own_jar = jars.sending(series, exchange) if own_jar is None else own_jar
        width = max(int(self.jar.max(initial=0)), int(own_jar.max(initial=0))) + 1
        placed, elsewhere = self.jar != NOTHING, own_jar == NOTHING
        in_jar = np.where(elsewhere | (group == NOTHING), NOTHING, group * width + own_jar)
        looked_up = [(every & placed, (self.group * width + self.jar, in_jar))]
        if surely and self.reach == "jar":
            # The value itself names the jar, where the sessions do not.
            named = np.where(jars.names_one[value], value, NOTHING)
            shown = every & (self.own != NOTHING)
            looked_up += [
                (shown & ~placed, (self.own, named)),
                (shown, (self.own, np.where(elsewhere, named, NOTHING))),
            ]
        else:
            looked_up += [
                (every & ~placed, (self.group, group)),
                (every, (self.group, np.where(elsewhere, group, NOTHING))),
            ]
        for which, keys in looked_up:
            found = self._known(exchanges, which, keys, moment, surely=surely, by_end=by_end)
            np.maximum(latest, found, out=latest)
        return latest

    def _known(
        self,
        exchanges: Exchanges,
        which: Bools,
        keys: tuple[Ints, Ints],
        moment: Ints,
        *,
        surely: bool,
        by_end: bool = False,
    ) -> Ints:
        """The latest start of those of the responses that are known, by keys of ends and uses."""
        if not which.any():
            return np.full(len(moment), NOTHING, dtype=np.int64)
        response = self.response[which]
        names, group = np.unique(keys[0][which], return_inverse=True)
        start, wanted = exchanges.response_start[response], among(names, keys[1])
        if not surely:
            index = AsOfIndex(group, start, exchanges.span)
            latest = exchanges.response_end[response] if by_end else start
            return index.maxima(latest)[index.at(wanted, moment)]
        known, last = exchanges.visible_from[response], exchanges.span - 1
        if self.delay_us.any():
            later = exchanges.clock[np.minimum(known, last)] + self.delay_us[which]
            known = np.minimum(np.searchsorted(exchanges.clock, later).astype(np.int64), last)
        index = AsOfIndex(group, known, exchanges.span)
        return index.maxima(start)[index.at(wanted, moment, inclusive=False)]
