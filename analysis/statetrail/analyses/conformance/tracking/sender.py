"""What one sender does at one origin under one dialect: its sessions, and what judges each request.

Enters: the events of its exchanges in order of time (rule T2 of
`statetrail.analyses.conformance.tracker`). Leaves: verdicts. The rules are those of
`statetrail.analyses.events.lineage`, `verdicts` and `excuses`, which have them for whole frames.

A request without a session key may be excused by what its sender does later: it waits in
`statetrail.analyses.conformance.tracking.keyless`.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from statetrail.analyses.conformance import verdict as v
from statetrail.analyses.conformance.tracking.contacts import Contacts
from statetrail.analyses.conformance.tracking.exchange_reader import ExchangeReader
from statetrail.analyses.conformance.tracking.holders import Hold, Mark
from statetrail.analyses.conformance.tracking.keyless import (
    KeylessRequest,
    KeylessRequests,
    Moment,
    Session,
    Sessions,
)
from statetrail.analyses.conformance.transitions import Exchange, Param, Verdict
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.visibility import (
    BEGINNING,
    FOREVER,
    IMPLICIT,
    Issue,
    Presented,
)
from statetrail.dialects import Dialect
from statetrail.extract.records import PLACEHOLDER

MAX_KEYS: Final = 65_536
"""Key values remembered per sender; beyond it, the one not seen for the longest is forgotten."""
MAX_PARAMS: Final = 64


class Sender:
    """One sender at one origin under one dialect.

    Parameters
    ----------
    hold
        What is told of each key value that the sender holds.
    declared
        Whether the sender is known to be one user.

    Attributes
    ----------
    shared
        Whether another sender holds one of its sessions, too.
    """

    def __init__(self, dialect: Dialect, hold: Hold, *, declared: bool) -> None:
        self.dialect = dialect
        self.reader = ExchangeReader(dialect)
        self.shared = Mark()
        self._hold = hold
        self.params: dict[str, Param] = {}
        # Where the only parameter is the key, a request that presents it has no other to present.
        self._several = len(dialect.params) > 1
        self._keys: OrderedDict[tuple[str, int], Session] = OrderedDict()
        self._contacts = Contacts()
        self._given: set[str] = set()
        self._first_uses: list[tuple[Moment, Session]] = []
        self.keyless = KeylessRequests(dialect, declared=declared)

    def request(self, x: Exchange, sessions: Sessions, moment: Moment) -> None:
        """The request belongs to the session of its keys."""
        if not sessions.entered:
            sessions.entered = True
            keys = [(p.param, p.fingerprint) for p in self.reader.presented(x)]
            sessions.request = self._join(keys, moment, requested=None)
            sessions.response = sessions.request

    def response(self, x: Exchange, sessions: Sessions, moment: Moment) -> None:
        """The response belongs to its request's session, else to that of the keys it issues."""
        if moment[0] == x.request_start_us:
            self.request(x, sessions, moment)
        issued = [
            (key, i.fingerprint)
            for key in self.dialect.session_keys
            for i in x.issued
            if i.param == key and self.reader.names_key(i)
        ]
        if sessions.request is None:
            sessions.response = self._join(issued, moment, requested=x.request_start_us)
        elif issued:
            self._add(issued, sessions.request)
        if sessions.response is not None:
            self._add(self.reader.malformed(x), sessions.response)
        # `judge` has closed what logs out.
        if sessions.request is not None and self.reader.refuses(x):
            sessions.request.close(moment, self.dialect.session_keys, logs_out=False)

    def may_know(self, x: Exchange, issue: Issue, sessions: Sessions) -> Param | None:
        """R1, to the sender and to the session; returns whose state the issue changes."""
        session = sessions.response
        known = self._param(self.params, issue.param)
        sound = self.reader.binds(x, issue)
        placed = session is not None
        until = x.issue_end_us if x.issue_end_us < FOREVER else x.issue_start_us
        ends = x.issue_end_us, until
        if known is not None:
            known.visibility.may_know(issue, *ends, sound=sound, placed=placed)
            if sound:
                (self._given if session is None else session.given).add(issue.param)
        own = known if session is None else self._param(session.params, issue.param)
        if own is not None and session is not None:
            if self._several:
                own.visibility.may_know(issue, *ends, sound=sound)
            elif issue.problem is not None:
                own.visibility.malformed = max(own.visibility.malformed, until)
        return own

    def must_know(self, x: Exchange, issue: Issue, sessions: Sessions, at: int) -> None:
        """R2, to the sender and to the session."""
        replaced: list[int] = []
        owner, since = sessions.response, (x.issue_start_us, 0, x.exchange_id)
        if owner is not None and issue.usage != IMPLICIT:
            if owner.end <= since:
                owner.over.discard(issue.param)
            if owner.left is not None and owner.left <= since:
                owner.renewed.add(issue.param)
        if issue.param in self.dialect.session_keys:
            if issue.usage != IMPLICIT:
                self._contacts.learn(self._keys.get((issue.param, issue.fingerprint)), (at, 2, 0))
                self._contacts.meet(x.request_start_us)
            replaced = [
                p.fingerprint
                for p in self.reader.presented(x)
                if p.param == issue.param and p.fingerprint != issue.fingerprint
                if self._keys.get((p.param, p.fingerprint)) is sessions.request
            ]
        if (known := self.params.get(issue.param)) is not None:
            known.visibility.must_know(issue, x.issue_start_us, x.issue_end_us, replaced)
        if self._several and sessions.response is not None:
            own = sessions.response.params.get(issue.param)
            if own is not None:
                own.visibility.must_know(issue, x.issue_start_us, x.issue_end_us)

    def judge(
        self,
        x: Exchange,
        sessions: Sessions,
        bound: Callable[[str], bool],
        moment: Moment,
        *,
        followed: bool,
    ) -> Iterator[Verdict]:
        """The rows of a request; those that wait are added to `keyless`."""
        session = sessions.request
        logs_out = session is not None and self.reader.logs_out(x)
        paused = self._contacts.pauses(
            x.request_start_us,
            has_key=session is not None,
            logs_out=logs_out,
        )
        if session is not None:
            self._use(x, session, moment)
        before = session or self._contacts.newest
        rows = [
            self._row(x, session, param, values, bound(param), before, followed=followed)
            for param, values in self._values(x, session)
        ]
        if logs_out and session is not None:
            # The client has let it go. What is accepted until the answer does not undo that.
            end = max((x.issue_start_us, 0, x.exchange_id), moment)
            session.close(end, self.dialect.session_keys, logs_out=True)
        if session is not None or not self.dialect.session_keys:
            yield from rows
            return
        known, last = self._contacts.known, self._contacts.before
        waiting = [row for row in rows if row.verdict != v.NOT_APPLICABLE]
        yield from (row for row in rows if row.verdict == v.NOT_APPLICABLE)
        if waiting:
            self.keyless.add(
                KeylessRequest(
                    moment,
                    x.endpoint,
                    last,
                    sessions=sessions,
                    responded=(x.issue_start_us, 0, x.exchange_id),
                    known=not self.reader.begins(x) or self._is_known(x),
                    ended=paused or any(each.ended for each in last),
                    over=frozenset(key for each in last for key in each.over),
                    given=frozenset(self._given.union(*(each.given for each in known))),
                    carrying=self.keyless.carrying.get(x.endpoint, 0),
                    cart=x.writes and self.dialect.is_action("cart", x.endpoint),
                    paused=paused,
                    shared=bool(self.shared),
                    backwards=x.backwards,
                    logs_in=self.reader.logs_in(x),
                    beside=before is not None
                    and before.requested is not None
                    and before.learned is None,
                    rows=waiting,
                )
            )

    def _join(
        self, keys: list[tuple[str, int]], moment: Moment, *, requested: int | None
    ) -> Session | None:
        """The session of the first known key, else a new one; the keys join it."""
        if not keys:
            return None
        session = next((self._keys[key] for key in keys if key in self._keys), None)
        if session is None:
            session = self._contacts.newest = Session(keys[0][1], moment, requested)
            self.keyless.sessions.append(session)
        self._add(keys, session)
        return session

    def _add(self, keys: list[tuple[str, int]], session: Session) -> None:
        for key in keys:
            own = self._keys.setdefault(key, session)
            self._keys.move_to_end(key)
            self._hold(*key, (own.shared, self.shared))
        while len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)

    def _param(self, known: dict[str, Param], name: str) -> Param | None:
        """What is known of the parameter; `None` if it is undeclared and one too many."""
        if name not in known and self.dialect.param(name) is None and len(known) >= MAX_PARAMS:
            return None
        return known.setdefault(name, Param())

    def is_minted(self, name: str) -> bool:
        """Whether the parameter's values come from the server alone."""
        declared = self.dialect.param(name)
        return declared is not None and declared.minted

    def _is_known(self, x: Exchange) -> bool:
        """Whether the response issues a key that is known."""
        return any((i.param, i.fingerprint) in self._keys for i in x.issued if self.reader.own(i))

    def _use(self, x: Exchange, session: Session, moment: Moment) -> None:
        """A request presents keys: whether others of its sender were accepted meanwhile (L4)."""
        self.keyless.carries(x.endpoint)
        accepted = False
        for p in self.reader.presented(x):
            own = self._keys.get((p.param, p.fingerprint), session)
            own.used, own.last_seen = True, moment
            self._contacts.learn(own, moment)
            answered, again = self.reader.answers(x, p)
            taken = 200 <= (x.status or 0) < 400 and (again or not answered)
            if own is session and taken:
                accepted = True
                if moment > session.end:
                    session.over.discard(p.param)
        if not accepted:
            return
        session.ended &= moment < session.end
        other = next((at for at, each in self._first_uses if each is not session), None)
        self.keyless.many |= other is not None and other > session.began
        if session.first_use is None:
            session.first_use = moment
            self._first_uses = [(moment, session), *self._first_uses[:1]]

    def _values(
        self, x: Exchange, session: Session | None
    ) -> Iterator[tuple[str, list[Presented | None]]]:
        """The parameters to judge, with what the request presents of each."""
        params = self.params if session is None else session.params if self._several else {}
        shown: dict[str, list[Presented]] = {}
        for p in x.presented:
            if self.reader.own(p):
                shown.setdefault(p.param, []).append(p)
        for name in {**params, **shown}:
            values: list[Presented | None] = [*shown.get(name, ())]
            if name in self.dialect.session_keys and (keys := self._of_key(shown.get(name, ()))):
                yield name, keys
                continue
            if name not in params or not params[name].visibility.sound:
                strange = [p for p in values if p is not None and p.kind == "value"]
                values = [*strange] if self.is_minted(name) else []
            elif not values:
                values = [None]
            if values:
                yield name, values

    @staticmethod
    def _of_key(shown: Iterable[Presented]) -> list[Presented | None]:
        """A value of a key decides alone."""
        return [p for p in shown if p.kind == "value"]

    def _row(
        self,
        x: Exchange,
        session: Session | None,
        param: str,
        values: list[Presented | None],
        bound: bool,
        before: Session | None,
        *,
        followed: bool,
    ) -> Verdict:
        """The row of a parameter: of several values presented, the mildest verdict."""
        found = [
            # What a sanitiser has replaced, nobody can judge.
            (*self._verdict(x, session, param, p, bound=bound and not _is_hidden(p)), p)
            for p in values
        ]
        key = param in self.dialect.session_keys
        verdict, reason, p = min(found, key=lambda each: VERDICTS.index(each[0]))
        if verdict == v.OMITTED and (need_not := self._need_not(x, param, followed=followed)):
            verdict, reason = v.NOT_APPLICABLE, need_not
        elif verdict == v.OMITTED and session is not None and session.need_not(param, is_key=key):
            verdict, reason = v.NOT_APPLICABLE, v.SESSION_ENDED
        elif verdict == v.OMITTED and session is not None and key and self.reader.logs_in(x):
            verdict, reason = v.NOT_APPLICABLE, v.NEW_SESSION
        elif (
            (session is not None and session.shared and v.holds_alone(verdict, reason))
            # What it presents of a key is judged by what answered it.
            and not (key and p is not None and p.kind == "value")
        ):
            verdict, reason = v.NOT_APPLICABLE, v.OTHER_SENDERS
        elif session is not None and x.backwards and verdict in FAULTS and reason is None:
            verdict, reason = v.NOT_APPLICABLE, v.CLOCK_SET_BACK
        return Verdict(
            *(x.exchange_id, x.client, x.origin, self.dialect.name, param, x.request_start_us),
            verdict,
            reason,
            verdict in FAULTS and reason is None,
            None if before is None else before.name,
            None if p is None else p.fingerprint,
            None if p is None else p.channel,
        )

    def _need_not(self, x: Exchange, param: str, *, followed: bool) -> str | None:
        known = self.params.get(param)
        named = set[str]() if known is None else known.visibility.channels
        return self.reader.need_not(x, param, named, followed=followed)

    def _verdict(
        self, x: Exchange, session: Session | None, name: str, p: Presented | None, *, bound: bool
    ) -> tuple[str, str | None]:
        declared, known = self.dialect.param(name), self.params.get(name) or Param()
        if p is not None and name in self.dialect.session_keys and p.kind == "value":
            own = self._keys.get((name, p.fingerprint), session)
            accepted = x.binding and self.reader.answers(x, p)[1]
            beside = None if session is None else session.params.get(name)
            malformed = BEGINNING if beside is None else beside.visibility.malformed
            return known.visibility.key_verdict(
                p, malformed, bound=bound, mixed=own is not session, accepted=accepted
            )
        server_issued = declared is not None and declared.minted
        own_param = known if session is None else session.params.get(name) or Param()
        verdict, reason = own_param.visibility.verdict(p, bound=bound, server_issued=server_issued)
        strange = verdict in (v.STALE, v.DEFIED, v.OVERRIDDEN, v.FOREIGN)
        if p is not None and session is not None and strange:
            value = known.visibility.values.get(p.fingerprint)
            if value is not None and value.unplaced:
                return v.NOT_APPLICABLE, v.NO_SESSION
            if verdict in (v.STALE, v.DEFIED):
                as_sender, _ = known.visibility.verdict(
                    p, bound=bound, server_issued=server_issued, cut_ends=True
                )
                if as_sender in v.CURRENT:
                    return v.NOT_APPLICABLE, v.OTHER_SESSION
        return verdict, reason


def _is_hidden(p: Presented | None) -> bool:
    return p is not None and p.kind == PLACEHOLDER
