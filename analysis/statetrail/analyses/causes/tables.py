"""Result tables: root causes, and the facts that rules take from them."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

# fmt: off

ROOT_CAUSES: Final = Table(
    "root_causes", "why one client ignored one parameter: one verdict and one cause of it",
    (
        CLIENT, ORIGIN, DIALECT, PARAM,
        Column("verdict", "text", "The verdict that is explained"),
        Column("cause", "text", "One of `statetrail.analyses.causes.root_causes.ROOT_CAUSES`"),
        Column("confidence", "text", "`low`, `medium` or `high`: how surely it is this cause"),
        Column("count", "int", "Verdicts that it explains"),
        Column("first_us", "timestamp", "Start of the first of these requests"),
        Column("last_us", "timestamp", "Start of the last of these requests"),
        Column("endpoints", "text", "Where they went, comma separated, at most 10, `…` for more"),
        Column("evidence", "text", "Exchange ids, comma separated, at most 20"),
    ),
    ("client", "origin", "dialect", "param", "verdict", "cause"),
)

CAUSES: Final = Table(
    "causes", "one verdict that has a root cause",
    (
        CLIENT, ORIGIN, DIALECT, PARAM, EXCHANGE,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("verdict", "text", "The verdict that is explained"),
        Column("endpoint", "text", "Where the request went"),
        Column("cause", "text", "One of `statetrail.analyses.causes.root_causes.ROOT_CAUSES`"),
    ),
    ("exchange_id", "dialect", "param"),
)

CROSS_ORIGIN_ISSUES: Final = Table(
    "cross_origin_issues", "one parameter in a header of a response to a page of another origin",
    (
        CLIENT, ORIGIN, DIALECT, PARAM, EXCHANGE,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("endpoint", "text", "Where the request went"),
        Column("hidden", "bool", "A browser keeps the header from the page"),
    ),
    ("exchange_id", "dialect", "param"),
)
