"""Result tables: sessions."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, ORIGIN, PARAM, Column, Table

# fmt: off

SESSIONS: Final = Table(
    "sessions", "one session: a chain of tokens with the same state, also if several clients hold it",
    (
        CLIENT, ORIGIN, DIALECT, PARAM,
        Column("session_fingerprint", "fingerprint", "Its first token: the session's name"),
        Column("first_us", "timestamp", "Start of the first request that was made in it"),
        Column("last_us", "timestamp", "Start of the last request that was made in it"),
        Column("duration_s", "float", "From the one to the other: how long it was seen"),
        Column("longest_idle_s", "float", "The longest pause between two of these requests"),
        Column("clients", "int", "Clients that held it; `client` is the one that did first"),
        Column("contexts", "int", "Other parameters that were issued or presented in it"),
        Column("tokens", "int", "Its tokens"),
        Column("requests", "int", "Requests that were made in it"),
        Column("cart_writes", "int", "Of them, successful writes to a cart or basket"),
        Column("logins", "int", "Of them, successful logins"),
        Column("end", "text", "How its newest token ended: one of `statetrail.analyses.tokens.tokens.ENDS`"),
        Column("ended_at_us", "timestamp", "Start of the response that ended it", "open"),
        Column("cart_writes_lost", "int", "Cart writes that were lost with it, with no cart written in a session that followed", "it was not lost"),
        Column("login_lost", "bool", "A login was lost with it and not repeated in a session that followed", "it was not lost"),
    ),
    ("client", "origin", "dialect", "param", "session_fingerprint"),
)

SESSION_REQUESTS: Final = Table(
    "session_requests", "one request that was made in a session",
    (
        EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM,
        Column("session_client", "text", "The session's client, as in `sessions`: the first of those that held it"),
        Column("session_fingerprint", "fingerprint", "The session's name, as in `sessions`"),
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("endpoint", "text", "Where it went"),
        Column("cart_write", "bool", "It wrote to a cart or basket, with success"),
        Column("login", "bool", "It logged in, with success"),
    ),
    ("exchange_id", "dialect", "param"),
)
