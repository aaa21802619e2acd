"""Contacts: of which of its sessions a sender learned last, and whether it may have let go of them.

Enters: what it presents, what it is given, and when. Leaves: the sessions before a request (rule
L6), and whether the request comes after a pause or a logout.
`statetrail.analyses.conformance.by_session` has this for whole frames.
"""

from statetrail.analyses.conformance.tracking.keyless import Moment, Session
from statetrail.analyses.conformance.visibility import FOREVER, PAUSE_US


class Contacts:
    """What a sender had to do with its sessions.

    Attributes
    ----------
    newest
        The session that began last.
    """

    def __init__(self) -> None:
        self.newest: Session | None = None
        self._learned: Session | None = None
        self._kept: tuple[Moment, Session] | None = None
        # The last two moments of requests, and which of them were logouts.
        self._requests = -FOREVER - 1, -FOREVER
        self._logouts: set[int] = set()

    @property
    def known(self) -> tuple[Session, ...]:
        """The session that began last, and the one of which the sender learned last."""
        return tuple(each for each in (self.newest, self._learned) if each is not None)

    @property
    def before(self) -> tuple[Session, ...]:
        """These, and the one of which it last had to do with a key."""
        return self.known if self._kept is None else (*self.known, self._kept[1])

    def learn(self, session: Session | None, moment: Moment) -> None:
        """The sender knows the session from then on, or still."""
        if session is None:
            return
        kept = self._kept
        if kept is None or (kept[0], kept[1].began) < (moment, session.began):
            self._kept = moment, session
        if session.learned is not None:
            return
        session.learned = moment
        last = self._learned
        if last is None or (last.learned or moment, last.began) < (moment, session.began):
            self._learned = session

    def meet(self, at: int) -> None:
        """A request at that time presented a key, or was given one that has to be known."""
        *_, before, last = sorted({*self._requests, at})
        self._requests = before, last
        self._logouts &= {before, last}

    def pauses(self, now: int, *, has_key: bool, logs_out: bool) -> bool:
        """Whether the last request of any session lies long before, or was a logout.

        This one may be the next: it presents a key, and may be a logout.
        """
        if has_key:
            self.meet(now)
        if logs_out:
            self._logouts.add(now)
        last = max((at for at in self._requests if at < now), default=-FOREVER)
        return last > -FOREVER and (now - last >= PAUSE_US or last in self._logouts)
