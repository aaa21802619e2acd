"""The faults: each replaces one text, which is there exactly once, by another.

`judge` says whose tests must notice: those of the frames or those of the tracker.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Mutant:
    """One fault in one module of `statetrail.analyses`."""

    judge: Literal["frames", "tracker"]
    fault: str
    module: str
    text: str
    fault_text: str


def _frames(fault: str, module: str, text: str, fault_text: str) -> Mutant:
    return Mutant("frames", fault, module, text, fault_text)


def _tracker(fault: str, module: str, text: str, fault_text: str) -> Mutant:
    return Mutant("tracker", fault, module, text, fault_text)


MUTANTS = (
    _frames(
        "R1 at equal times: not known yet",
        "conformance/verdicts",
        "    place = past.at(series, asked)\n",
        "    place = past.at(series, asked, inclusive=False)\n",
    ),
    _frames(
        "R1 at equal times: a value not known yet",
        "conformance/verdicts",
        "    place = past.at(value, asked)\n",
        "    place = past.at(value, asked, inclusive=False)\n",
    ),
    _frames(
        "R2 at equal times: known already",
        "conformance/verdicts",
        "must = binding.past.at(series, asked, inclusive=False)",
        "must = binding.past.at(series, asked)",
    ),
    _frames(
        "the newest at equal times: known already",
        "conformance/verdicts",
        "binding.past.last(rows.series, asked, inclusive=False)",
        "binding.past.last(rows.series, asked)",
    ),
    _frames(
        "the newest in any channel",
        "conformance/verdicts",
        "(known == rows.value) & placed",
        "(known == rows.value)",
    ),
    _frames(
        "any issue obeyed is the newest",
        "conformance/verdicts",
        "(known == rows.value) & placed",
        "(rows.value >= 0) & placed",
    ),
    _frames(
        "grace has the wrong sign",
        "columnar/bucket",
        "ended_us + grace_us, FOREVER",
        "ended_us - grace_us, FOREVER",
    ),
    _frames(
        "a malformed issue binds",
        "conformance/verdicts",
        "issue = np.flatnonzero((issued.usage != MALFORMED) & whole",
        "issue = np.flatnonzero(whole",
    ),
    _frames(
        "a cut response must be known",
        "columnar/bucket",
        'table["response_end_us"], missing=FOREVER',
        'table["response_end_us"], missing=0',
    ),
    _frames(
        "a response before its request",
        "columnar/bucket",
        "np.maximum(_ints(begun, missing=-FOREVER), asked_us)",
        "_ints(begun, missing=0)",
    ),
    _frames(
        "header and query mixed up",
        "conformance/verdicts",
        "value_header = latest(past, place, own, issued.usage != URIQUERY)",
        "value_header = latest(past, place, own, issued.usage != HEADER)",
    ),
    _frames(
        "R3 left out: what was superseded",
        "conformance/verdicts",
        "since = binding.past.maxima(",
        "since = 0 * binding.past.maxima(",
    ),
    _frames(
        "parameters mixed up",
        "columnar/bucket",
        "distinct(who * len(params) + param, ",
        "distinct(who * len(params) + 0 * param, ",
    ),
    _frames(
        "clients mixed up",
        "columnar/bucket",
        "numbered(series, fingerprint)",
        "numbered(0 * series, fingerprint)",
    ),
    _frames(
        "the first issue at the very instant",
        "conformance/verdicts",
        "missing = first[series] <= exchanges.asked[ex]",
        "missing = first[series] < exchanges.asked[ex]",
    ),
    _frames(
        "what is presented is struck out in another row",
        "conformance/verdicts",
        "nth[sound] = np.arange(len(sound), dtype=np.int64)",
        "nth[sound] = np.arange(len(sound), dtype=np.int64)[::-1]",
    ),
    _frames(
        "of a value only what must be known",
        "conformance/verdicts",
        "for issues in (every, binding.issue))",
        "for issues in (binding.issue, binding.issue))",
    ),
    _frames(
        "a running maximum runs into the next group",
        "columnar/arrays",
        "known[:-1] -= base + 1",
        "known[:-1] -= base.min(initial=0) + 1",
    ),
    _frames(
        "a point of the group before",
        "columnar/arrays",
        "place[self._key[place] < base] = NOTHING",
        "place[self._key[place] < 0] = NOTHING",
    ),
    _frames(
        "V2 for a token that is asked for",
        "conformance/verdicts",
        "((kind == VALUE) & from_server & ~given",
        "(from_server & ~given",
    ),
    _frames(
        "V2 forgotten before the first issue",
        "conformance/verdicts",
        "alien = ~known & (presented.kind == VALUE)",
        "alien = ~known & (presented.kind > ESTABLISH)",
    ),
    _frames(
        "V4 by an implicit issue of old",
        "conformance/verdicts",
        "(implicit >= since), ",
        "(implicit > NOTHING), ",
    ),
    _frames(
        "V6 if one current issue is implicit",
        "conformance/verdicts",
        "((in_header < since) & (in_query < since)",
        "((in_header < since) | (in_query < since)",
    ),
    _frames("V7 at equal times: stale", "verdicts", "(value_may < since)", "(value_may <= since)"),
    _frames(
        "V8 by an informational issue of old",
        "conformance/verdicts",
        "(changeable < since)",
        "(changeable == NOTHING)",
    ),
    _frames(
        "V9 at equal times: not honoured",
        "conformance/verdicts",
        "current = value_must >= since",
        "current = value_must > since",
    ),
    _frames(
        "V9 in any channel", "verdicts", '(current & placed, "honoured")', '(current, "honoured")'
    ),
    _frames(
        "the harshest of several values",
        "conformance/verdicts",
        "np.minimum.reduceat(key",
        "np.maximum.reduceat(key",
    ),
    _frames(
        "methods without state are bound", "verdicts", "    binds &= part.exchanges.open[ex]\n", ""
    ),
    _tracker("R1 at equal times: not known yet", "tracker", "_MUST = 0, 1, 2", "_MUST = 1, 0, 2"),
    _tracker("R2 at equal times: known already", "tracker", "_MUST = 0, 1, 2", "_MUST = 0, 2, 1"),
    _tracker(
        "grace has the wrong sign", "tracker", "exchange.ended + self", "exchange.ended - self"
    ),
    _tracker(
        "a malformed issue binds",
        "conformance/tracker",
        "if issue.problem is None and exchange.ended",
        "if exchange.ended",
    ),
    _tracker("the watermark is not strict", "tracker", "[0][0] < watermark", "[0][0] <= watermark"),
    _tracker(
        "open exchanges are not waited for",
        "conformance/tracker",
        "self._drain(talk, min(talk.open.values(), default=talk.latest))",
        "self._drain(talk, talk.latest)",
    ),
    _tracker("a late request is judged", "tracker", "if at < talk.released:", "if at < -FOREVER:"),
    _tracker(
        "the busiest client is evicted",
        "conformance/tracker",
        "self._talks.popitem(last=False)",
        "self._talks.popitem(last=True)",
    ),
    _tracker("the harshest of several values", "tracker", "= min(found, key", "= max(found, key"),
    _tracker(
        "methods without state are bound",
        "conformance/tracker",
        "and exchange.method not in UNBOUND_METHODS\n",
        "\n",
    ),
    _tracker(
        "a reset is called a rotation",
        "conformance/transitions",
        '("live", "answered"): ("live", "reset")',
        '("live", "answered"): ("live", "rotated")',
    ),
    _tracker("a cut response must be known", "transitions", "ended = FOREVER if", "ended = 0 if"),
    _tracker(
        "a response before its request",
        "conformance/transitions",
        "return max(begun, self.request_start_us)",
        "return begun",
    ),
    _tracker(
        "header and query mixed up",
        "conformance/visibility",
        'if issue.usage != "uriquery":',
        'if issue.usage != "header":',
    ),
    _tracker(
        "R3 left out: what was superseded",
        "conformance/visibility",
        "self.since = max(self.since, begun)",
        "self.since = max(self.since, 0)",
    ),
    _tracker(
        "V2 for a token that is asked for",
        "conformance/visibility",
        'shown.kind == "value" and minted',
        "minted",
    ),
    _tracker(
        "V4 by an implicit issue of old",
        "conformance/visibility",
        "self.implicit >= self.since",
        "self.implicit > NEVER",
    ),
    _tracker(
        "V6 if one current issue is implicit",
        "conformance/visibility",
        "self.header < self.since and",
        "self.header < self.since or",
    ),
    _tracker(
        "V7 at equal times: stale", "knowledge", "value.may < self.since", "value.may <= self.since"
    ),
    _tracker(
        "V8 by an informational issue of old",
        "conformance/visibility",
        "self.changeable < self.since",
        "self.changeable == NEVER",
    ),
    _tracker(
        "V9 at equal times: not honoured",
        "conformance/visibility",
        "value.must < self.since",
        "value.must <= self.since",
    ),
    _tracker(
        "V9 at equal times: misplaced", "knowledge", "placed >= self.since", "placed > self.since"
    ),
)
