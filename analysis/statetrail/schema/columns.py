"""Columns and tables: names, types, units, what null means; what SQLite and Arrow make of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import pyarrow as pa

RENAMED: Final = 3
"""The version that gave tables and columns other names (`Table.was`, `Column.was`)."""

type Type = Literal["int", "text", "bool", "float", "timestamp", "fingerprint"]

_SQLITE: Final[dict[Type, str]] = {
    "int": "INTEGER",
    "text": "TEXT",
    "bool": "INTEGER",
    "float": "REAL",
    "timestamp": "INTEGER",
    "fingerprint": "INTEGER",
}
_PYTHON: Final[dict[str, type]] = {"INTEGER": int, "TEXT": str, "REAL": float}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type, what it says, and what null means (`None`: never null).

    One that is there since a later version of the stored tables than the first can be null. `was`
    is its name in stores of version 1 and 2.
    """

    name: str
    type: Type
    description: str
    null: str | None = None
    since: int = 1
    was: str | None = None

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field of this column."""
        import pyarrow as pa  # only here: the recorder does without it

        types: dict[Type, pa.DataType] = {
            "text": pa.string(),
            "bool": pa.bool_(),
            "float": pa.float64(),
        }
        return pa.field(self.name, types.get(self.type, pa.int64()), nullable=self.null is not None)

    def fits(self, value: object) -> bool:
        """Whether SQLite may hold the value in this column."""
        if value is None:
            return self.null is not None
        return isinstance(value, _PYTHON[_SQLITE[self.type]])

    def named(self, version: int) -> str:
        """The column's name in a store of that version."""
        return self.was if self.was and version < RENAMED else self.name

    @property
    def sqlite(self) -> str:
        """The column's definition in SQLite DDL."""
        # Quoted: `references` is a word of SQL.
        return f'"{self.name}" {_SQLITE[self.type]}{"" if self.null else " NOT NULL"}'


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what one row is, its columns in order, the columns that identify a row."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    fact: bool = False
    was: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        import pyarrow as pa

        return pa.schema([column.arrow for column in self.columns])

    def fits(self, names: Iterable[str], row: Iterable[object]) -> bool:
        """Whether a row's values in these columns are of their types, and none is missing."""
        columns = {column.name: column for column in self.columns}
        return all(columns[name].fits(value) for name, value in zip(names, row, strict=True))

    def since(self, version: int) -> tuple[Column, ...]:
        """The columns that a store of that version lacks."""
        return tuple(column for column in self.columns if column.since > version)

    def holds(self, name: str, version: int) -> bool:
        """Whether a store of that version has the column."""
        return all(column.name != name for column in self.since(version))

    def named(self, version: int) -> str:
        """The table's name in a store of that version."""
        return self.was if self.was and version < RENAMED else self.name

    def ddl(self) -> str:
        """The SQLite statement that makes this table."""
        lines = [column.sqlite for column in self.columns]
        # A primary key cannot hold nulls, a unique one can.
        nullable = any(c.null is not None for c in self.columns if c.name in self.key)
        lines.append(f"{'UNIQUE' if nullable else 'PRIMARY KEY'} ({', '.join(self.key)})")
        rowid = "" if len(self.key) == 1 or nullable else ", WITHOUT ROWID"
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} (\n  "
            + ",\n  ".join(lines)
            + f"\n) STRICT{rowid}"
        )

    def check(self, names: Iterable[str]) -> None:
        """Raise `ValueError` unless `names` are exactly this table's columns, in order."""
        if (found := tuple(names)) != self.names:
            missing = [name for name in self.names if name not in found]
            extra = [name for name in found if name not in self.names]
            raise ValueError(f"{self.name}: missing {missing}, unexpected {extra}, found {found}")


def pseudonym(fingerprint: int) -> str:
    """Render a fingerprint as the short stable pseudonym that reports and paths show.

    >>> pseudonym(-1)
    '~ffffffff'
    """
    return f"~{(fingerprint & 0xFFFF_FFFF_FFFF_FFFF) >> 32:08x}"


# fmt: off
EXCHANGE: Final = Column("exchange_id", "int", "The exchange, unique in the recording")
DIALECT: Final = Column("dialect", "text", "The dialect that knows the parameter, e.g. `zest`")
PARAM: Final = Column("param", "text", "The state parameter, e.g. `_session_token`, `LangId`")
CLIENT: Final = Column("client", "text", "The client, as decided by `client_by`")
ORIGIN: Final = Column("origin", "text", "scheme://host:port of the server (RFC 6454); of a value that is good for more (`realm` of its dialect) the site, e.g. `shop.example`, or `*` for every origin")
VALUE: Final = Column("value", "text", "The value in clear", "the value is secret or not a plain one")
FINGERPRINT: Final = Column("fingerprint", "fingerprint", "Keyed 64-bit BLAKE2b of the value: its pseudonym")
NORMAL: Final = Column("normal_fingerprint", "fingerprint", "Fingerprint of the value percent-decoded, unquoted, trimmed and lower-cased: equal where only the writing differs")
PREFIX: Final = Column("prefix_fingerprint", "fingerprint", "Fingerprint of the first 12 characters: equal where a value was cut short", "the value has fewer than 13 characters, or so few bits (below 80 by its alphabet: 24 digits, 19 of hexadecimal) that it could be guessed by halves")
FAMILY: Final = Column("family_fingerprint", "fingerprint", "Fingerprint of what stays the same where a value is written anew each time (`same` of its dialect)", "the value has no such form", since=4)
