"""A client never presents a parameter: it is not implemented (S1, S2; Z4)."""

import narwhals as nw

from statetrail.analyses.causes.client_patterns import MIN_CHANCES
from statetrail.analyses.causes.root_causes import causes
from statetrail.analyses.events.value_counts import value_counts
from statetrail.analyses.events.values import SERIES
from statetrail.rules.rule import OCCURRENCE, Lazy, Recording, Rule, occurrences, other_verdicts


@Rule(
    title="Parameter not implemented by the client",
    severity="medium",
    confidence="high",
    observed=f"{{count}} of {{of}} requests did not present {{param}}, and the client never does, "
    f"in at least {MIN_CHANCES} chances",
    expected="a client that reads {param} from responses and presents it",
    remedy="Implement this in one place: store every parameter that responses set, and add it to "
    "every request in the place that the issue names.",
    references=("52eSELLER S1, S2", "ZEST Z4"),
    scope="bucket",
)
def check(rec: Recording) -> Lazy:
    omitted = causes(rec).lazy.filter(nw.col("verdict") == "omitted")
    # A client that sends anything has implemented something: other rules say what is wrong with it.
    others = other_verdicts(rec, "omitted")
    presented = value_counts(rec).lazy.filter(nw.col("presentations") > 0)
    sent = [frame.select(*SERIES).unique() for frame in (others, presented)]
    senders = nw.concat(sent, how="vertical").unique().with_columns(sends=nw.lit(1, nw.Int64))
    never = (nw.col("cause") == "not-implemented") & nw.col("sends").is_null()
    hits = occurrences(omitted.join(senders, on=list(SERIES), how="left"), never)
    return nw.concat([hits, others.select(*OCCURRENCE.names)], how="vertical")
