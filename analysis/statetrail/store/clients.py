"""What tells clients apart: some columns of `exchanges`, joined to one name."""

from collections.abc import Sequence
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.errors import UsageError
from statetrail.schema import CLIENT_BY

DEFAULT_CLIENT_BY: Final = ("peer", "user-agent")


def check_client_by(client_by: Sequence[str]) -> None:
    """Raise `UsageError` unless clients can be told apart by these attributes."""
    unknown = [name for name in client_by if name not in CLIENT_BY]
    if unknown or not client_by:
        raise UsageError(
            f"clients cannot be told apart by {', '.join(map(repr, unknown)) or 'nothing'}: "
            f"choose from {', '.join(CLIENT_BY)}"
        )


def default_client_by(exchanges: pa.Table | None) -> tuple[str, ...]:
    """What tells clients apart by default: the file too, where HAR files were imported."""
    sources = None if exchanges is None else exchanges["source"]
    imported = sources is not None and sources.null_count < len(sources)
    return (*DEFAULT_CLIENT_BY, "source") if imported else DEFAULT_CLIENT_BY


def client_expression(client_by: Sequence[str]) -> nw.Expr:
    """The client's name: its attributes joined by `` | ``, a missing one as ``-``."""
    parts = []
    for name in client_by:
        column = nw.col(CLIENT_BY[name]).fill_null("-").str.replace_all("|", "/", literal=True)
        parts.append(nw.when(column == "").then(nw.lit("-")).otherwise(column))
    return nw.concat_str(parts, separator=" | ") if len(parts) > 1 else parts[0]


def client_names(exchanges: pa.Table, client_by: Sequence[str]) -> pa.ChunkedArray:
    """The client's name in each row of a table with these attributes."""
    frame = nw.from_native(exchanges, eager_only=True)
    return frame.select(client_expression(client_by)).to_native().column(0)
