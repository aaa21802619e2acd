"""Result tables: families of refresh tokens, and the reuses in them."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

# fmt: off

FAMILY: Final = Column("family_fingerprint", "fingerprint", "Its first token: the family's name")
FITS: Final = Column("fits", "text", "What the traffic fits: `race`, `lost-response`, `theft`, `kept` or `unclear`")

FAMILIES: Final = Table(
    "families", "one chain of refresh tokens that began with one grant, of all clients that presented them",
    (
        ORIGIN, DIALECT, PARAM, FAMILY,
        CLIENT,
        Column("clients", "int", "Clients that presented or were issued a token of it; `client` is the first"),
        Column("first_us", "timestamp", "Start of the first request or response with a token of it"),
        Column("last_us", "timestamp", "Start of the last one"),
        Column("tokens", "int", "Its tokens"),
        Column("rotations", "int", "Answers that replaced a token by another"),
        Column("reuses", "int", "Requests with a token that had been presented before, and replaced"),
        Column("forks", "int", "Tokens that two answers replaced by different ones"),
        Column("refused", "int", "Requests with a token of it that the server refused"),
        Column("fits", "text", "What its most severe reuse fits: `theft`, `kept`, `lost-response`, `race` or `unclear`", "no reuse"),
        Column("revoked_us", "timestamp", "Start of the refusal from which on no token of it was taken", "it was not revoked"),
        Column("lost_fork_fingerprint", "fingerprint", "The first token of the fork that the server ended", "no fork, or none was seen to end"),
    ),
    ("origin", "dialect", "param", "family_fingerprint"),
)

REUSES: Final = Table(
    "reuses", "one request with a refresh token that another request had presented before",
    (
        EXCHANGE, DIALECT, PARAM, FAMILY, FINGERPRINT, CLIENT,
        Column("first_exchange_id", "int", "The request that presented the token first"),
        Column("first_client", "text", "Its client"),
        Column("age_low_s", "float", "Seconds from the answer that replaced the token to this request, at least; 0: they overlap"),
        Column("age_high_s", "float", "At most: from the first request to this answer", "not answered"),
        Column("taken", "bool", "The server took the token once more", "not answered"),
        FITS,
    ),
    ("exchange_id", "dialect", "param", "fingerprint"),
)

GRACES: Final = Table(
    "graces", "one parameter: for how long a replaced refresh token is still taken",
    (
        ORIGIN, DIALECT, PARAM,
        Column("reuses", "int", "Reuses that were answered"),
        Column("taken", "int", "Of them, taken"),
        Column("low_s", "float", "A token was still taken at this age: the window is at least so long", "none was taken"),
        Column("high_s", "float", "A token was refused at this age: the window is at most so long", "none was refused"),
        Column("contradictions", "int", "Reuses that no single window explains"),
    ),
    ("origin", "dialect", "param"),
)
