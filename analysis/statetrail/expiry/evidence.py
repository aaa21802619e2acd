"""Evidence: the uses of one parameter's values, as arrays that the inference reads.

Enters: columns of the table `USES`, for one parameter at one origin. Leaves: `Evidence`, one entry
a use.

What a use says
    A use that the server accepted survived its idle time and its age: both are at least the *low*
    ends of their brackets. A use that found the value ended had reached the limit: idle time and
    age are at most the *high* ends. Where an end of a bracket is unknown (a value issued before the
    capture), it is set so that the use says nothing: low ends to 0, high ends to infinity.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt

from statetrail.expiry.numerics import Codes, Flags, Reals, largest

type Span = Literal["idle", "age"]
"""What a limit is on: the time since the last use of a value, or since its issue."""

SPANS: Final[tuple[Span, ...]] = ("idle", "age")


@dataclass(frozen=True)
class Evidence:
    """Uses in order of value and time.

    Attributes
    ----------
    value, client
        Small integer codes of the presented value and of the client.
    request_start_us
        Start of the request, in microseconds since the epoch.
    survived, ended
        Outcome of the uses that count; both false for those left out.
    session, writes
        Codes of the sessions that the values belong to; whether the request was one that writes.
    login
        Whether the value had logged in before: 1, 0, or -1 where that is not known.
    late
        Uses by clients that had to know of the value's replacement: 1 where the server still took
        the value, -1 where it did not, 0 for all other uses.
    idle_low_s, idle_high_s, age_low_s, age_high_s
        Brackets in seconds; unknown low ends are 0, unknown high ends infinite.
    """

    value: Codes
    client: Codes
    request_start_us: Codes
    survived: Flags
    ended: Flags
    session: Codes
    writes: Flags
    login: npt.NDArray[np.int8]
    late: npt.NDArray[np.int8]
    idle_low_s: Reals
    idle_high_s: Reals
    age_low_s: Reals
    age_high_s: Reals

    @classmethod
    def of(
        cls,
        *,
        value: npt.ArrayLike,
        client: npt.ArrayLike,
        request_start_us: npt.ArrayLike,
        survived: npt.ArrayLike,
        ended: npt.ArrayLike,
        idle_low_s: npt.ArrayLike,
        idle_high_s: npt.ArrayLike,
        age_low_s: npt.ArrayLike,
        age_high_s: npt.ArrayLike,
        late: npt.ArrayLike | None = None,
        session: npt.ArrayLike | None = None,
        writes: npt.ArrayLike | None = None,
        login: npt.ArrayLike | None = None,
    ) -> Self:
        """Sort and encode: unknown bounds may be given as NaN, values and the like as any keys.

        Without sessions each client is one.
        """
        values, clients, sessions = (
            np.unique(x, return_inverse=True)[1]
            for x in (value, client, client if session is None else session)
        )
        start = np.asarray(request_start_us, dtype=np.int64)
        order = np.lexsort((start, values))

        def known(bounds: npt.ArrayLike, missing: float) -> Reals:
            given = np.asarray(bounds, dtype=np.float64)[order]
            return np.where(np.isnan(given), missing, given)

        return cls(
            value=values.astype(np.int64)[order],
            client=clients.astype(np.int64)[order],
            request_start_us=start[order],
            survived=np.asarray(survived, dtype=np.bool_)[order],
            ended=np.asarray(ended, dtype=np.bool_)[order],
            session=sessions.astype(np.int64)[order],
            writes=np.asarray(np.zeros(len(start)) if writes is None else writes, dtype=np.bool_)[
                order
            ],
            login=np.asarray(-np.ones(len(start)) if login is None else login, dtype=np.int8)[
                order
            ],
            late=np.asarray(np.zeros(len(start)) if late is None else late, dtype=np.int8)[order],
            idle_low_s=known(idle_low_s, 0.0),
            idle_high_s=known(idle_high_s, np.inf),
            age_low_s=known(age_low_s, 0.0),
            age_high_s=known(age_high_s, np.inf),
        )

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def values(self) -> int:
        """How many values were presented."""
        return int(self.value.max(initial=-1)) + 1

    @cached_property
    def clients(self) -> int:
        """How many clients presented them."""
        return int(self.client.max(initial=-1)) + 1

    @cached_property
    def party(self) -> Codes:
        """Per use, who acts: the client, or the session where a client has several at once.

        A backend that serves many users is one client, and each of its sessions a user's.
        """
        alive = np.flatnonzero(self.survived)
        alive = alive[np.lexsort((self.request_start_us[alive], self.session[alive]))]
        alive = alive[np.argsort(self.client[alive], kind="stable")]
        client, session = self.client[alive], self.session[alive]
        begins = np.flatnonzero(np.diff(client, prepend=-1) | np.diff(session, prepend=-1))
        last = np.append(begins[1:], len(alive)) - 1
        first_us, last_us = (
            self.request_start_us[alive[at]] for at in (begins, last[: len(begins)])
        )
        of = client[begins]
        order = np.lexsort((first_us, of))
        of, first_us, last_us = of[order], first_us[order], last_us[order]
        # Clients lie so far apart that the latest end so far is one of the same client.
        start = self.request_start_us.min(initial=0)
        apart = (self.request_start_us.max(initial=0) - start + 1) * of
        ends = np.maximum.accumulate(last_us - start + apart)
        several = np.zeros(self.clients, dtype=np.bool_)
        overlap = (first_us - start + apart)[1:] <= ends[:-1]
        several[of[1:][overlap]] = True
        if not several.any():
            return self.client
        party = np.where(several[self.client], self.clients + self.session, self.client)
        return np.unique(party, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def holder(self) -> Codes:
        """Per value, the party that presented it first."""
        holder = np.zeros(self.values, dtype=np.int64)
        holder[self.value[::-1]] = self.party[::-1]
        return holder

    @cached_property
    def fatal(self) -> Codes:
        """Indices of the uses that found their value ended: of each value the first."""
        ends = np.flatnonzero(self.ended)
        _, first = np.unique(self.value[ends], return_index=True)
        return ends[first]

    def where(self, flags: Flags) -> "Evidence":
        """The uses for which the flag is set, values and clients keeping their codes."""
        return replace(
            self, **{each.name: getattr(self, each.name)[flags] for each in fields(self)}
        )

    def without(self, dropped: Flags) -> "Evidence":
        """The same uses, the flagged ones no longer counting."""
        return replace(self, survived=self.survived & ~dropped, ended=self.ended & ~dropped)

    def brackets(self, span: Span) -> tuple[Reals, Reals]:
        """The low and the high ends of idle times or of ages."""
        if span == "idle":
            return self.idle_low_s, self.idle_high_s
        return self.age_low_s, self.age_high_s

    def summary(self, span: Span) -> tuple[Reals, Reals]:
        """Per value the longest span that it outlived (0: none), and the one by which it ended."""
        return self.extremes(*self.brackets(span))

    def extremes(self, low: Reals, high: Reals) -> tuple[Reals, Reals]:
        """The same where the spans have such brackets."""
        lived, ended = np.flatnonzero(self.survived), np.full(self.values, np.inf)
        outlived = largest(low[lived], self.value[lived], self.values)
        ended[self.value[self.fatal]] = high[self.fatal]
        return outlived, ended
