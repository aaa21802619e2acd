"""Result tables: overrides, shared and leaked credentials."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

# fmt: off

OVERRIDES: Final = Table(
    "overrides", "one parameter of which a client presented a value of its own choice",
    (
        CLIENT, ORIGIN, DIALECT, PARAM,
        Column("overrides", "int", "Requests that did: verdict `overridden`"),
        Column("answered", "int", "Of them: the server's next issue was the client's value"),
        Column("fought", "int", "Of them: the server's next issue was another value"),
        Column("unanswered", "int", "Of them: no issue came after"),
        Column("on_baskets", "int", "Of them: attempts to change a basket's state"),
        Column("without_effect", "int", "Of `on_baskets`: fought, so that they changed nothing"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
    ),
    ("client", "origin", "dialect", "param"),
)

SHARED: Final = Table(
    "shared", "one credential that several clients presented, and one of them",
    (
        ORIGIN, DIALECT, PARAM, FINGERPRINT, CLIENT,
        Column("clients", "int", "Clients that presented it"),
        Column("how", "text", "`handed` (the server issued it to this client first), `taken` (to another), `unseen`, or `moved` (one program that went on elsewhere)"),
        Column("issued_us", "timestamp", "Start of the first response that issued it to this client", "never seen issued to it"),
        Column("uses", "int", "Requests of this client that presented it"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
        Column("first_id", "int", "One of them: the lowest exchange id"),
    ),
    ("origin", "dialect", "param", "fingerprint", "client"),
)

LEAKS: Final = Table(
    "leaks", "one credential in a request to another origin than its own",
    (
        EXCHANGE, CLIENT, ORIGIN,
        Column("place", "text", "`query`, `path`, `referer` or `header`"),
        DIALECT, PARAM, FINGERPRINT,
        Column("issued_origin", "text", "The origin that issued it"),
        Column("issued_us", "timestamp", "Start of the first response there that issued it"),
        Column("request_start_us", "timestamp", "Start of the request"),
    ),
    ("exchange_id", "place", "dialect", "param", "fingerprint", "issued_origin"),
)
