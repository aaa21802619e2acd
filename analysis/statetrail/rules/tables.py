"""Result tables: findings."""

from typing import Final

from statetrail.schema import Column, Table

# fmt: off

FINDINGS: Final = Table(
    "findings", "one rule that fired for one client, origin and parameter",
    (
        Column("rule", "text", "Stable rule id"),
        Column("title", "text", "The rule's title"),
        Column("severity", "text", "`info`, `low`, `medium` or `high`"),
        Column("confidence", "text", "`low`, `medium` or `high`"),
        Column("audience", "text", "`client`, `api`, `capture` or `security`"),
        Column("client", "text", "The client", "not about one client"),
        Column("origin", "text", "The origin", "not about one origin"),
        Column("param", "text", "The parameter", "not about one parameter"),
        Column("count", "int", "How often it was seen"),
        Column("first_us", "timestamp", "First time", "no time"),
        Column("last_us", "timestamp", "Last time", "no time"),
        Column("message", "text", "Observed, then expected"),
        Column("remedy", "text", "What to do"),
        Column("references", "text", "Exact sources, one a line"),
        Column("evidence", "text", "Exchange ids, comma separated, at most 20; the primary first"),
    ),
    ("rule", "client", "origin", "param"),
)
