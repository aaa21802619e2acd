"""The faults: each replaces one text, which its module has exactly once, by another.

`judge` says whose tests must notice: those of the frames or those of the tracker.
"""

from dataclasses import dataclass
from typing import Final, Literal

type Judge = Literal["frames", "tracker"]


@dataclass(frozen=True)
class Mutant:
    """One fault in one module of `statetrail.analyses`."""

    judge: Judge
    module: str
    fault: str
    text: str
    fault_text: str


_DECISIONS: Final = (
    (
        "V2 for a token that is asked for",
        'when=("value", "server_issued"), unless=("issued",)',
        'when=("server_issued",), unless=("issued",)',
    ),
    (
        "V4 for what is presented",
        'NOT_APPLICABLE, when=("nothing", "implicit")',
        'NOT_APPLICABLE, when=("implicit",)',
    ),
    (
        "V8 whatever the priority",
        'DEFIED, unless=("issued", "informational")',
        'DEFIED, unless=("issued",)',
    ),
    ("V9 in any channel", 'when=("current", "in_channel")', 'when=("current",)'),
)
"""Faults of the table of verdicts, which both judges read."""

_FAULTS: Final[dict[tuple[Judge, str], tuple[tuple[str, str, str], ...]]] = {
    ("frames", "conformance/verdict"): _DECISIONS,
    ("tracker", "conformance/verdict"): _DECISIONS,
    ("frames", "conformance/race"): (
        ("the harshest of several values", "np.minimum.reduceat(key", "np.maximum.reduceat(key"),
        (
            "L8: a malformed issue excuses nobody",
            "malformed=malformed >= np.maximum(since, 0)",
            "malformed=malformed > np.maximum(since, 2**60)",
        ),
        (
            "R1 at equal times: not known yet",
            "    place = index.at(series, heard_by)\n",
            "    place = index.at(series, heard_by, inclusive=False)\n",
        ),
        (
            "R1 at equal times: a value not known yet",
            "    place = index.at(value, heard_by)\n",
            "    place = index.at(value, heard_by, inclusive=False)\n",
        ),
        (
            "R2 at equal times: known already",
            "place = binding.index.at(series, request_start, inclusive=False)",
            "place = binding.index.at(series, request_start)",
        ),
        (
            "the newest at equal times: known already",
            "binding.index.last(rows.series, request_start, inclusive=False)",
            "binding.index.last(rows.series, request_start)",
        ),
        ("the newest in any channel", "(known == rows.value) & placed", "(known == rows.value)"),
        (
            "any issue obeyed is the newest",
            "(known == rows.value) & placed",
            "(rows.value >= 0) & placed",
        ),
        (
            "a malformed issue binds",
            "issue = np.flatnonzero((issues.usage != MALFORMED) & whole",
            "issue = np.flatnonzero(whole",
        ),
        (
            "header and query mixed up",
            "fitting = (issues.usage == each) | (issues.usage < 0)",
            "fitting = (issues.usage != each) | (issues.usage < 0)",
        ),
        (
            "R3 left out: what was superseded",
            "since = binding.index.maxima(",
            "since = 0 * binding.index.maxima(",
        ),
        (
            "of a value only what must be known",
            "for of in (every, binding.issue))",
            "for of in (binding.issue, binding.issue))",
        ),
        ("V4 by an implicit issue of old", "=implicit >= since", "=implicit > NOTHING"),
        ("V6 by a channel of old", "=names_channel >= since", "=names_channel > NOTHING"),
        ("V7 at equal times: stale", "=value_may >= since", "=value_may > since"),
        (
            "V8 by an informational issue of old",
            "=informational >= since",
            "=informational > NOTHING",
        ),
        ("V9 at equal times: not honoured", "value_must >= since", "value_must > since"),
    ),
    ("frames", "conformance/verdicts"): (
        (
            "L2: a clock that was set back is believed",
            "unsure = exchanges.backwards[exchange] &",
            "unsure = False & exchanges.backwards[exchange] &",
        ),
    ),
    ("frames", "conformance/by_session/owners"): (
        (
            "the first issue at the very instant",
            "missing = first[series] <= exchanges.request_start[exchange]",
            "missing = first[series] < exchanges.request_start[exchange]",
        ),
        (
            "what is presented is struck out in another row",
            "nth[sound] = np.arange(len(sound), dtype=np.int64)",
            "nth[sound] = np.arange(len(sound), dtype=np.int64)[::-1]",
        ),
        (
            "methods without state are bound",
            "[exchanges.endpoint[exchange], param] & exchanges.open[exchange] & (",
            "[exchanges.endpoint[exchange], param] & (",
        ),
    ),
    ("frames", "conformance/by_session/key_values"): (
        (
            "L1 forgotten: nothing replaces a key",
            "may_be_current=may >= since",
            "may_be_current=may >= 0 * since",
        ),
        (
            "L1 by another session's answer",
            "replaces = ~same & issued.sound[issue]",
            "replaces = ~same",
        ),
        (
            "L3 left out: what is still accepted",
            "accepted=uses.again &",
            "accepted=uses.again & False &",
        ),
    ),
    ("frames", "events/lineage"): (
        (
            "a chain ends with its first key",
            "    while not np.array_equal(",
            "    if not np.array_equal(",
        ),
        (
            "a response begins a session of its own",
            "of_response = np.where(of_request != NOTHING, of_request, of_response)",
            "of_response = of_response.copy()",
        ),
    ),
    ("frames", "conformance/by_session/excuses"): (
        (
            "L7: what an earlier session was given is due",
            "over[rest] |= ~_given(",
            "over[rest] &= _given(",
        ),
        (
            "L6: every restart is a fault",
            "excuse(without & asks & used, verdict.NEW_SESSION, keep=asks)",
            "excuse(without & asks & ~asks, verdict.NEW_SESSION, keep=asks)",
        ),
        (
            "L6: a request beside a beginning is blamed",
            "begins |= beside & (rank == _OMITTED)",
            "begins |= beside & (rank != rank)",
        ),
        (
            "L7: a stateless read is a fault",
            "later[later] = known.presented_later(",
            "later[later] = ~known.presented_later(",
        ),
        (
            "L6: a token beside one in use was thrown away",
            "excuse(later & asks, verdict.MANY_SESSIONS, keep=asks)",
            "excuse(later & asks & ~asks, verdict.MANY_SESSIONS, keep=asks)",
        ),
        (
            "L1: a login without a key is of the session before",
            "another = logs_in & (",
            "another = logs_in & ~logs_in & (",
        ),
    ),
    ("frames", "conformance/by_session/held"): (
        (
            "L4: many sessions at once go unseen",
            "return inside > ((began < first) & (first < last))",
            "return inside > inside.max(initial=0)",
        ),
        (
            "L6: what has to be known is still beside it",
            "beside &= self.learned[nth] > request",
            "beside &= self.learned[nth] > -1",
        ),
    ),
    ("frames", "conformance/by_session/other_senders"): (
        (
            "a session that moved is judged as before",
            "since <= positions(",
            "since > positions(",
        ),
    ),
    ("tracker", "conformance/tracking/exchange_reader"): (
        (
            "L8: what a browser hides binds",
            "x.binding and not self.hides(x, issue)",
            "x.binding",
        ),
    ),
    ("frames", "columnar/exchanges"): (
        (
            "grace has the wrong sign",
            "end_us + grace_us, FOREVER",
            "end_us - grace_us, FOREVER",
        ),
        (
            "a cut response must be known",
            'table["response_end_us"], missing=FOREVER',
            'table["response_end_us"], missing=0',
        ),
        (
            "a response before its request",
            "response_us = np.maximum(response_us, start_us)",
            "response_us = np.maximum(response_us, 0)",
        ),
    ),
    ("frames", "columnar/bucket"): (
        (
            "L8: what a browser hides binds",
            "exchanges.binding[issuing] & ~hidden",
            "exchanges.binding[issuing]",
        ),
        (
            "parameters mixed up",
            "distinct(client * len(params) + param, ",
            "distinct(client * len(params) + 0 * param, ",
        ),
        ("clients mixed up", "numbered(series, fingerprint)", "numbered(0 * series, fingerprint)"),
    ),
    ("frames", "columnar/arrays"): (
        (
            "a running maximum runs into the next group",
            "known[:-1] -= base + 1",
            "known[:-1] -= base.min(initial=0) + 1",
        ),
        (
            "a point of the group before",
            "place[self._key[place] < base] = NOTHING",
            "place[self._key[place] < 0] = NOTHING",
        ),
    ),
    ("tracker", "conformance/tracker"): (
        ("R1 at equal times: not known yet", "_MUST = 0, 1, 2", "_MUST = 1, 0, 2"),
        ("R2 at equal times: known already", "_MUST = 0, 1, 2", "_MUST = 0, 2, 1"),
        (
            "grace has the wrong sign",
            "exchange.issue_end_us + self",
            "exchange.issue_end_us - self",
        ),
        (
            "a malformed issue binds",
            "if sender.reader.binds(exchange, issue) and exchange",
            "if exchange.binding and exchange",
        ),
        ("the watermark is not strict", "[0][0] < watermark", "[0][0] <= watermark"),
        (
            "open exchanges are not waited for",
            "self._drain(talk, min(talk.open.values(), default=talk.latest))",
            "self._drain(talk, talk.latest)",
        ),
        ("a late request is judged", "if at < talk.released:", "if at < -FOREVER:"),
        (
            "the busiest client is evicted",
            "self._talks.popitem(last=False)",
            "self._talks.popitem(last=True)",
        ),
        ("methods without state are bound", "and exchange.method not in UNBOUND_METHODS\n", "\n"),
    ),
    ("tracker", "conformance/tracking/sender"): (
        (
            "a session that moved is judged as before",
            "(own.shared, self.shared)",
            "(self.shared, self.shared)",
        ),
        ("the harshest of several values", "= min(found, key", "= max(found, key"),
        (
            "L1 forgotten: nothing replaces a key",
            "and p.fingerprint != issue.fingerprint",
            "and p.fingerprint == issue.fingerprint",
        ),
        ("L3 left out: what is still accepted", "accepted = x.binding and", "accepted = False and"),
        (
            "L4: many sessions at once go unseen",
            "other is not None and other > session.began",
            "other is not None and other < session.began",
        ),
    ),
    ("tracker", "conformance/tracking/keyless"): (
        (
            "L7: what an earlier session was given is due",
            "bool(request.before) and row.param not in request.given",
            "bool(request.before) and row.param in request.given",
        ),
        (
            "L6: every restart is a fault",
            "request.used and (asks or request.begins or (beside",
            "request.used and not asks and (request.begins or (beside",
        ),
        (
            "L6: a request beside a beginning is blamed",
            "(beside and row.verdict == v.OMITTED)",
            "(request.begins and row.verdict == v.OMITTED)",
        ),
        (
            "L7: a stateless read is a fault",
            "and between and not",
            "and not between and not",
        ),
    ),
    ("tracker", "conformance/transitions"): (
        (
            "a reset is called a rotation",
            '("live", "answered"): ("live", "reset")',
            '("live", "answered"): ("live", "rotated")',
        ),
        ("a cut response must be known", "end_us = FOREVER if", "end_us = 0 if"),
        (
            "a response before its request",
            "return max(start_us, self.request_start_us)",
            "return start_us",
        ),
    ),
    ("tracker", "conformance/visibility"): (
        (
            "L8: a malformed issue excuses nobody",
            "malformed=self.malformed >= max(self.since, BEGINNING + 1)",
            "malformed=self.malformed >= FOREVER",
        ),
        (
            "any channel that an issue named",
            "self.channels.get(channel, BEGINNING)",
            "max(self.channels.values(), default=BEGINNING)",
        ),
        (
            "R3 left out: what was superseded",
            "self.since = max(self.since, response_start)",
            "self.since = max(self.since, 0)",
        ),
        (
            "V4 by an implicit issue of old",
            "self.implicit >= self.since",
            "self.implicit > BEGINNING",
        ),
        (
            "V6 by a channel of old",
            "self.names_channel >= self.since",
            "self.names_channel > BEGINNING",
        ),
        (
            "V7 at equal times: stale",
            "else known.may) >= self.since",
            "else known.may) > self.since",
        ),
        (
            "V8 by an informational issue of old",
            "self.informational >= self.since",
            "self.informational > BEGINNING",
        ),
        (
            "V9 at equal times: not honoured",
            "known.must_end >= self.since",
            "known.must_end > self.since",
        ),
        (
            "V9 at equal times: misplaced",
            "in_channel(channel) >= self",
            "in_channel(channel) > self",
        ),
    ),
}

MUTANTS: Final = tuple(
    Mutant(judge, module, *fault) for (judge, module), faults in _FAULTS.items() for fault in faults
)
