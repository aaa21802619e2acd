"""The one catalogue of columns: names, types, units, what null means.

Enters: nothing. Leaves: `Column` and `Table`, from which the SQLite DDL, the Arrow schemas, the
frame checks and the documentation are made, so that they cannot drift apart; the fact tables. A
result table stands beside the analysis that makes it; `statetrail.analyses.catalogue` has them all.

Times are ``timestamp`` columns: int64 microseconds since the Unix epoch, UTC, named ``*_us`` in
storage and in every engine; `to_pandas` turns them into tz-aware timestamps and drops the suffix.
"""

from statetrail.schema.columns import (
    CLIENT,
    DIALECT,
    EXCHANGE,
    FINGERPRINT,
    NORMAL,
    ORIGIN,
    PARAM,
    PREFIX,
    VALUE,
    Column,
    Table,
    pseudonym,
)
from statetrail.schema.facts import (
    CAPTURES,
    CLIENT_BY,
    EXCHANGES,
    FACTS,
    ISSUED,
    PRESENTED,
    SCHEMA_VERSION,
    TOKEN_CANDIDATES,
)

__all__ = [
    "CAPTURES", "CLIENT", "CLIENT_BY", "DIALECT", "EXCHANGE", "EXCHANGES", "FACTS", "FINGERPRINT",
    "ISSUED", "NORMAL", "ORIGIN", "PARAM", "PREFIX", "PRESENTED", "SCHEMA_VERSION",
    "TOKEN_CANDIDATES", "VALUE", "Column", "Table", "pseudonym",
]  # fmt: skip
