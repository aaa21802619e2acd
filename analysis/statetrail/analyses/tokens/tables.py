"""Result tables: tokens and their rotations."""

from typing import Final

from statetrail.schema import (
    CLIENT,
    DIALECT,
    EXCHANGE,
    FINGERPRINT,
    ORIGIN,
    PARAM,
    VALUE,
    Column,
    Table,
)

# fmt: off

TOKENS: Final = Table(
    "tokens", "one value of one parameter of one client",
    (
        CLIENT, ORIGIN, DIALECT, PARAM, FINGERPRINT, VALUE,
        Column("length", "int", "Characters of the value", "never seen issued"),
        Column("alphabet", "text", "Character classes used", "never seen issued"),
        Column("issues", "int", "Responses that issued it"),
        Column("uses", "int", "Requests that presented it"),
        Column("first_issued_us", "timestamp", "Start of the first response that issued it", "never seen issued"),
        Column("last_issued_us", "timestamp", "Start of the last response that issued it", "never seen issued"),
        Column("first_presented_us", "timestamp", "Start of the first request that presented it", "never presented"),
        Column("last_presented_us", "timestamp", "Start of the last request that presented it", "never presented"),
        Column("superseded_us", "timestamp", "Start of the first response that issued another value after this one's last issue", "never superseded"),
        Column("uses_in_flight", "int", "Requests that presented it when a newer one may have been known, but need not have been"),
        Column("uses_late", "int", "Requests that presented it when a newer one had to be known"),
        Column("late_honoured", "int", "Of `uses_late`: answered with it, or without an error where silence is no sign"),
        Column("successors", "int", "Values that it was rotated to: its edges in `rotations`"),
        Column("end", "text", "How it ended: one of `statetrail.analyses.tokens.tokens.ENDS`"),
        Column("ended_at_us", "timestamp", "Start of the response that ended it", "open"),
        Column("left_truncated", "bool", "Its birth was not seen: it was presented before it was first issued, or never seen issued"),
        Column("observed_s", "float", "Seconds from its first sighting to its last"),
    ),
    ("client", "origin", "dialect", "param", "fingerprint"),
)

ROTATIONS: Final = Table(
    "rotations", "one issue of a value that differs from the one issued before",
    (
        EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("issued_at_us", "timestamp", "Start of the response that issued the new value"),
        Column("from_fingerprint", "fingerprint", "The value before", "first value seen"),
        Column("to_fingerprint", "fingerprint", "The new value"),
        Column("priority", "text", "Of the new value: `forced` or `informational`"),
        Column("cause", "text", "One of `statetrail.analyses.tokens.rotations.CAUSES`"),
        Column("idle_low_s", "float", "Time the old value lay unused: from the end of the last earlier exchange that carried it to the start of this request", "no earlier exchange, or it overlaps this one, or its end is not known"),
        Column("idle_high_s", "float", "Longest time the old value can have lain unused: from the start of the last earlier request that was answered with it to the start of this response", "no earlier response issued it"),
        Column("age_low_s", "float", "Shortest age of the old value: from the first end of a response that issued it to the start of this request", "birth not seen, or that response overlaps this request"),
        Column("age_high_s", "float", "Longest age of the old value: from the start of the first request that was answered with it to the start of this response", "birth not seen"),
    ),
    ("exchange_id", "dialect", "param", "to_fingerprint"),
)
