"""Result tables: breakdowns by endpoint, by hour and by version."""

from typing import Final

from statetrail.schema import DIALECT, ORIGIN, PARAM, Column, Table

# fmt: off

VERDICTS_BY_ENDPOINT: Final = Table(
    "verdicts_by_endpoint", "one endpoint and one parameter: what requests to it did with the parameter",
    (
        ORIGIN,
        Column("endpoint", "text", "Path with identifiers as `{id}`"),
        DIALECT, PARAM,
        Column("judged", "int", "Verdicts that count: the denominator of `compliance`"),
        Column("honoured", "int", "Verdicts `honoured`"),
        Column("faults", "int", "Verdicts that count against the client"),
        Column("compliance", "float", "honoured / judged", "nothing to judge"),
        Column("dropped", "int", "Of `faults`: `omitted` or `restarted`, the client had a value and did not present it"),
        Column("stale", "int", "Of `faults`: `stale`, the client presented an older value"),
        Column("clients_at_fault", "int", "Clients with one of `faults`"),
        Column("resets", "int", "Rotations by which the server ended what hung on the value: cause `reset`, `idle` or `age`"),
    ),
    ("origin", "endpoint", "dialect", "param"),
)

ROTATIONS_BY_HOUR: Final = Table(
    "rotations_by_hour", "one parameter and one hour in which it was judged or issued anew",
    (
        ORIGIN, DIALECT, PARAM,
        Column("hour_us", "timestamp", "Start of the hour"),
        Column("requests", "int", "Requests that began in it and have a verdict on the parameter"),
        Column("clients", "int", "Clients of these requests and of the rotations"),
        Column("rotations", "int", "Issues of another value than the one before"),
        Column("resets", "int", "Of them, by which the server ended what hung on the value: cause `reset`, `idle` or `age`"),
        Column("first_values", "int", "First values of clients; not among `rotations`"),
    ),
    ("origin", "dialect", "param", "hour_us"),
)

CARTS_BY_VERSION: Final = Table(
    "carts_by_version", "one version of a client program: its sessions, and the carts that were lost with them",
    (
        Column("product", "text", "Product of the `User-Agent` (RFC 9110, 10.1.5); of a browser its own name; empty: none was sent"),
        Column("version", "text", "Its version; empty: it names none"),
        ORIGIN, DIALECT, PARAM,
        Column("clients", "int", "Clients that held the sessions"),
        Column("sessions", "int", "Sessions, by the program of their last request"),
        Column("carts", "int", "Of them, those in which a cart was written"),
        Column("carts_lost", "int", "Of `carts`: lost with the session, and no cart was written in one that followed"),
        Column("cart_writes_lost", "int", "Cart writes that were lost with them"),
        Column("logins_lost", "int", "Sessions with which a login was lost"),
    ),
    ("product", "version", "origin", "dialect", "param"),
)
