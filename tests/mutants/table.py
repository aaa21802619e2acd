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
    _frames("R1 at equal times: not known yet", "timeline", "at * 2", "at * 2 - 1"),
    _frames(
        "R2 at equal times: known already",
        "timeline",
        "(ended + grace_us) * 2 + 1",
        "(ended + grace_us) * 2",
    ),
    _frames("grace has the wrong sign", "timeline", "ended + grace_us", "ended - grace_us"),
    _frames("a malformed issue binds", "timeline", '~says("malformed") & (ended', "(ended"),
    _frames(
        "header and query mixed up",
        "timeline",
        'value_header=where(says("header", ',
        'value_header=where(says("uriquery", ',
    ),
    _frames(
        "R3 left out: what was superseded", "timeline", 'nw.col("begun"), "value', 'never, "value'
    ),
    _frames(
        "a shorter issue makes a longer one superfluous",
        "timeline",
        'nw.col("decided").fill_null(FOREVER) <= nw.col("ended")',
        'nw.col("turn") == 0',
    ),
    _frames(
        "a cut response must be known",
        "numbered",
        '"ended").fill_null(FOREVER)',
        '"ended").fill_null(0)',
    ),
    _frames(
        "a response before its request",
        "numbered",
        'begun=nw.max_horizontal("begun", "at_us")',
        'begun=nw.col("begun")',
    ),
    _frames(
        "parameters mixed up",
        "numbered",
        '_PARAMS_AT_MOST + nw.col("pid")',
        '_PARAMS_AT_MOST + 0 * nw.col("pid")',
    ),
    _frames(
        "clients mixed up",
        "verdicts",
        '(["series", "fingerprint"], OF_VALUE)',
        '(["fingerprint"], OF_VALUE)',
    ),
    _frames(
        "the first issue at the very instant",
        "verdicts",
        '.filter(nw.col("at_us") >= nw.col("first"))',
        '.filter(nw.col("at_us") > nw.col("first"))',
    ),
    _frames(
        "V2 for a token that is asked for",
        "verdicts",
        '((kind == _VALUE) & (nw.col("minted")',
        '((nw.col("minted")',
    ),
    _frames(
        "V4 by an implicit issue of old",
        "verdicts",
        '(nw.col("implicit") >= since)',
        '(nw.col("implicit") > NEVER)',
    ),
    _frames(
        "V6 if one current issue is implicit",
        "verdicts",
        '(nw.col("header") < since) & ',
        '(nw.col("header") < since) | ',
    ),
    _frames(
        "V7 at equal times: stale",
        "verdicts",
        '(nw.col("value_may") < since)',
        '(nw.col("value_may") <= since)',
    ),
    _frames(
        "V8 by an informational issue of old",
        "verdicts",
        '(nw.col("changeable") < since)',
        '(nw.col("changeable") == NEVER)',
    ),
    _frames(
        "V9 at equal times: not honoured",
        "verdicts",
        '((nw.col("value_must") >= since) & placed',
        '((nw.col("value_must") > since) & placed',
    ),
    _frames(
        "V9 in any channel", "verdicts", '>= since) & placed, "honoured")', '>= since), "honoured")'
    ),
    _frames(
        "the harshest of several values",
        "verdicts",
        'best=nw.col("order").min()',
        'best=nw.col("order").max()',
    ),
    _tracker("R1 at equal times: not known yet", "tracker", "_MUST = 0, 1, 2", "_MUST = 1, 0, 2"),
    _tracker("R2 at equal times: known already", "tracker", "_MUST = 0, 1, 2", "_MUST = 0, 2, 1"),
    _tracker(
        "grace has the wrong sign", "tracker", "exchange.ended + self", "exchange.ended - self"
    ),
    _tracker(
        "a malformed issue binds",
        "tracker",
        "if issue.problem is None and exchange.ended",
        "if exchange.ended",
    ),
    _tracker("the watermark is not strict", "tracker", "[0][0] < watermark", "[0][0] <= watermark"),
    _tracker(
        "open exchanges are not waited for",
        "tracker",
        "self._drain(talk, min(talk.open.values(), default=talk.latest))",
        "self._drain(talk, talk.latest)",
    ),
    _tracker("a late request is judged", "tracker", "if at < talk.released:", "if at < -FOREVER:"),
    _tracker(
        "the busiest client is evicted",
        "tracker",
        "self._talks.popitem(last=False)",
        "self._talks.popitem(last=True)",
    ),
    _tracker("the harshest of several values", "tracker", "= min(found, key", "= max(found, key"),
    _tracker(
        "methods without state are bound",
        "tracker",
        "and exchange.method not in UNBOUND_METHODS\n",
        "\n",
    ),
    _tracker(
        "a reset is called a rotation",
        "transitions",
        '("live", "answered"): ("live", "reset")',
        '("live", "answered"): ("live", "rotated")',
    ),
    _tracker("a cut response must be known", "transitions", "ended = FOREVER if", "ended = 0 if"),
    _tracker(
        "a response before its request",
        "transitions",
        "return max(begun, self.request_start_us)",
        "return begun",
    ),
    _tracker(
        "header and query mixed up",
        "knowledge",
        'if issue.usage != "uriquery":',
        'if issue.usage != "header":',
    ),
    _tracker(
        "R3 left out: what was superseded",
        "knowledge",
        "self.since = max(self.since, begun)",
        "self.since = max(self.since, 0)",
    ),
    _tracker(
        "V2 for a token that is asked for",
        "knowledge",
        'shown.kind == "value" and minted',
        "minted",
    ),
    _tracker(
        "V4 by an implicit issue of old",
        "knowledge",
        "self.implicit >= self.since",
        "self.implicit > NEVER",
    ),
    _tracker(
        "V6 if one current issue is implicit",
        "knowledge",
        "self.header < self.since and",
        "self.header < self.since or",
    ),
    _tracker(
        "V7 at equal times: stale", "knowledge", "value.may < self.since", "value.may <= self.since"
    ),
    _tracker(
        "V8 by an informational issue of old",
        "knowledge",
        "self.changeable < self.since",
        "self.changeable == NEVER",
    ),
    _tracker(
        "V9 at equal times: not honoured",
        "knowledge",
        "value.must < self.since",
        "value.must <= self.since",
    ),
    _tracker(
        "V9 at equal times: misplaced", "knowledge", "placed >= self.since", "placed > self.since"
    ),
)
