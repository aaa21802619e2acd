"""What a client may and must know over time, as few moments as can be.

Enters: the issues of `Numbered`. Leaves: the moments at which the running maxima of the race rule
change, to look each request up in.

Which issues matter
-------------------
A server that keeps a token issues it a thousand times over. Let d and i be issues of one value in
one form, i after d, with no other issue of their series begun between them. i can be left out where

T1  d is *decisive*: it began after every issue before it had ended;
T2  d ended no later than i;
T3  i ended before the next issue of another value or form began.

For every question of the race rule has the same answer without i. What i supersedes (R3), d
supersedes: by T1 nothing that began earlier ended after d began, and what began later than i ended
later still. When i must be known (R2), d must be, by T2, and has the same value and form. And as
nothing that i outlasts could supersede it before the next issue began (T3), d is current whenever i
is.
"""

from collections.abc import Sequence
from typing import Final

import narwhals as nw

from statetrail.analyses.knowledge import FOREVER, NEVER
from statetrail.analyses.numbered import may_be_changed, says
from statetrail.frames import Lazy, Recording

OF_SERIES: Final = ("superseded_before", "header", "uriquery", "implicit", "changeable")
"""Running maxima of a series: the latest beginning of an issue that must be known (``M``), and the
latest end of the issues that may be known by what they say."""
OF_VALUE: Final = ("value_may", "value_must", "value_header", "value_uriquery")
"""Running maxima of a value in its series: the latest end of its issues that may be known, that
must be known, and that allow it in the header or in the query."""


def request_moment(at: nw.Expr) -> nw.Expr:
    """The moment of a request, after what it may know (R1) and before what it need not (R2)."""
    return at * 2


def essential(rec: Recording, issues: Lazy) -> Lazy:
    """The issues without those that T1-T3 leave out: a handful a value, however often repeated."""
    # One response may issue two values: without them the windows could each order it otherwise.
    order = ["begun", "ended", "exchange_id", "fingerprint", "form"]

    def within(expression: nw.Expr, *partition: str) -> nw.Expr:
        return expression.over("series", *partition, order_by=order)

    one, zero = nw.lit(1, nw.Int64), nw.lit(0, nw.Int64)
    forever = nw.lit(FOREVER, nw.Int64)
    marked = issues.with_columns(
        value_before=within(nw.col("fingerprint").shift(1)),
        form_before=within(nw.col("form").shift(1)),
        ended_so_far=within(nw.col("ended").cum_max()),
    ).with_columns(ended_before=within(nw.col("ended_so_far").shift(1)))
    another = (
        nw.col("form_before").is_null()
        | (nw.col("value_before") != nw.col("fingerprint"))
        | (nw.col("form_before") != nw.col("form"))
    )
    decisive = nw.col("ended_before").is_null() | (nw.col("begun") > nw.col("ended_before"))
    runs = marked.with_columns(
        turn=nw.when(another).then(one).otherwise(zero),
        turned_at=nw.when(another).then(nw.col("begun")).otherwise(forever),
        decided=nw.when(decisive).then(nw.col("ended")).otherwise(forever),
    ).with_columns(
        run=within(nw.col("turn").cum_sum()).cast(nw.Int64),
        turned_at=within(nw.col("turned_at").cum_min(reverse=True)),
    )
    settled = runs.with_columns(
        next_turn=within(nw.col("turned_at").shift(-1)),
        decided=within(nw.col("decided").cum_min(), "run"),
    ).with_columns(decided=within(nw.col("decided").shift(1), "run"))
    superfluous = (
        (nw.col("turn") == 0)
        & (nw.col("decided").fill_null(FOREVER) <= nw.col("ended"))
        & (nw.col("ended") < nw.col("next_turn").fill_null(FOREVER))
    )
    return rec.keep(
        settled.filter(~superfluous).select("series", "fingerprint", "form", "begun", "ended")
    )


def moments(rec: Recording, issues: Lazy, grace_us: int) -> Lazy:
    """When each essential issue may and must be known, with what it adds to each maximum."""
    ended = nw.col("ended")
    never = nw.lit(NEVER, nw.Int64)

    def where(condition: nw.Expr) -> nw.Expr:
        return nw.when(condition).then(ended).otherwise(never)

    may = issues.select(
        *("series", "fingerprint"),
        moment=nw.col("begun") * 2,
        superseded_before=never,
        header=where(says("header")),
        uriquery=where(says("uriquery")),
        implicit=where(says("implicit")),
        changeable=where(may_be_changed()),
        value_may=ended,
        value_must=never,
        # A value from a malformed header has no channel that would be wrong, and one that is
        # implicit in one of two concurrent issues is not held against the client either.
        value_header=where(says("header", "implicit", "malformed")),
        value_uriquery=where(says("uriquery", "implicit", "malformed")),
    )
    nothing = dict.fromkeys((*OF_SERIES, *OF_VALUE), never)
    must = issues.filter(~says("malformed") & (ended < FOREVER)).select(
        *("series", "fingerprint"),
        moment=(ended + grace_us) * 2 + 1,
        **nothing | {"superseded_before": nw.col("begun"), "value_must": ended},
    )
    return rec.keep(nw.concat([may, must], how="vertical"))


def states(rec: Recording, happened: Lazy, by: Sequence[str], maxima: Sequence[str]) -> Lazy:
    """The running maxima after each moment of each group, numbered by ``state``."""
    each = happened.group_by(*by, "moment").agg(*(nw.col(name).max() for name in maxima))
    running = each.with_columns(
        *(nw.col(name).cum_max().over(*by, order_by=["moment"]) for name in maxima)
    ).with_row_index("state", order_by=[*by, "moment"])
    return rec.keep(running.with_columns(nw.col("state").cast(nw.Int64)))
