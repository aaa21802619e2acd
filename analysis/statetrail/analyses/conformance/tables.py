"""Result tables: verdicts, and the compliance of clients."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

# fmt: off

VERDICTS: Final = Table(
    "verdicts", "one request and one parameter that was issued before",
    (
        EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("verdict", "text", "One of `statetrail.analyses.conformance.verdict.VERDICTS`"),
        Column("reason", "text", "Why it is no fault, or how the value of a fault had ended: one of `statetrail.analyses.conformance.verdict.REASONS`", "the verdict says it"),
        Column("fault", "bool", "It counts against the client's compliance"),
        Column("session", "fingerprint", "The session of the request: the first value of its key", "it belongs to none"),
        Column("fingerprint", "fingerprint", "The value presented", "none was presented"),
        Column("channel", "text", "Where it was presented", "none was presented"),
    ),
    ("exchange_id", "dialect", "param"),
)

CLIENTS: Final = Table(
    "clients", "one client at one origin under one dialect",
    (
        CLIENT, ORIGIN, DIALECT,
        Column("requests", "int", "Requests in the dialect's scope"),
        Column("sessions", "int", "Sessions that it held"),
        Column("sessions_at_once", "int", "The most of them between their first and last requests at the same time"),
        Column("judged", "int", "Verdicts that count: the denominator of `compliance`"),
        Column("honoured", "int", "Verdicts `honoured`"),
        Column("faults", "int", "Verdicts that count against the client"),
        Column("compliance", "float", "honoured / judged", "nothing to judge"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
    ),
    ("client", "origin", "dialect"),
)
