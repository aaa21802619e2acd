"""Allowance: where a capture shows that restricted parameters are allowed or refused.

Enters: a recording. Leaves: what was learned per endpoint, beside what the dialects declare
(``Param.only_on``). Findings use it; no verdict is made from it.
"""

from typing import Final

import narwhals as nw

from statetrail.analyses.conformance.visibility import UNBOUND_METHODS
from statetrail.analyses.events.values import presentations
from statetrail.recording.engines import Lazy, is_among
from statetrail.recording.frames import Recording

MIN_ALLOWED: Final = 2
"""Successful requests with the parameter from which on an endpoint is learned to allow it."""

_WHERE: Final = ("origin", "method", "endpoint")


def learned(rec: Recording) -> Lazy:
    """What the answers say of restricted parameters.

    An endpoint allows a parameter where at least `MIN_ALLOWED` requests that presented it
    succeeded (2xx) and none failed (4xx). It refuses it where requests that presented it only
    failed, and others without it succeeded.

    Returns
    -------
    Lazy
        Columns ``origin``, ``method``, ``endpoint``, ``dialect``, ``param`` and ``learned``:
        ``allowed`` or ``refused``; what is neither has no row.
    """
    return rec.few_rows("learned allowance", _learned)


def _learned(rec: Recording) -> Lazy:
    names = {(d.name, p.name) for d in rec.dialects for p in d.params if p.only_on}
    params = sorted({param for _, param in names})
    requests = (
        rec.exchanges_with_client()
        .filter(~nw.col("method").is_in(UNBOUND_METHODS))
        .select("exchange_id", *_WHERE, status=nw.col("status").fill_null(0))
    )
    one = nw.col("exchange_id") * 0 + 1
    good = (nw.col("status") >= 200) & (nw.col("status") < 300)
    bad = (nw.col("status") >= 400) & (nw.col("status") < 500)
    answers = requests.with_columns(
        good=nw.when(good).then(one).otherwise(0), bad=nw.when(bad).then(one).otherwise(0)
    )
    everything = answers.group_by(*_WHERE).agg(all_good=nw.col("good").sum())
    with_it = (
        presentations(rec)
        .lazy.filter(is_among("param", params))
        .select("exchange_id", "dialect", "param")
        .unique()
        .join(answers, on="exchange_id")
        .group_by(*_WHERE, "dialect", "param")
        .agg(good=nw.col("good").sum(), bad=nw.col("bad").sum())
    )
    learned = (
        nw.when((nw.col("good") >= MIN_ALLOWED) & (nw.col("bad") == 0))
        .then(nw.lit("allowed"))
        .when((nw.col("good") == 0) & (nw.col("bad") > 0) & (nw.col("all_good") > 0))
        .then(nw.lit("refused"))
        .otherwise(nw.lit(""))
    )
    return (
        with_it.join(everything, on=list(_WHERE))
        .with_columns(learned=learned)
        .filter(nw.col("learned") != "")
        .select(*_WHERE, "dialect", "param", "learned")
    )
