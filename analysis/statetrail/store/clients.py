"""The clients of frames: some columns of `exchanges`, joined to one name."""

from collections.abc import Sequence

import narwhals as nw
import pyarrow as pa

from statetrail.schema import CLIENT_BY


def holds_imported(exchanges: pa.Table) -> bool:
    """Whether some of the exchanges are of imported HAR files."""
    return bool(exchanges["source"].null_count < len(exchanges))


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
