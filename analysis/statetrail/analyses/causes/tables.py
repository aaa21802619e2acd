"""Result tables: root causes."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, ORIGIN, PARAM, Column, Table

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
