"""A client presents the language; a rule that `tests/rules/test_adding_a_rule.py` adds."""

import narwhals as nw

from statetrail.analyses.events.values import presentations
from statetrail.rules.rule import Lazy, Recording, Rule, occurrences
from statetrail.rules.sources import eseller


@Rule(
    title="Another language than the first",
    severity="low",
    confidence="high",
    observed="{count} of {of} requests presented {param} with another value than 1",
    expected="{param} is 1",
    remedy="Present the language that every shop has, which is the first of the list.",
    references=(eseller("S1"),),
)
def check(rec: Recording) -> Lazy:
    languages = presentations(rec).lazy.filter(nw.col("param") == "LangId")
    return occurrences(languages, nw.col("value") != "1")
