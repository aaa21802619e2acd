"""Engines: where the frames of a recording live.

Enters: the name of an engine and a folder for what does not fit into memory. Leaves: the function
that places Arrow tables and datasets of files on that engine, as Narwhals lazy frames.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import narwhals as nw
import pyarrow as pa

from statetrail.errors import UsageError
from statetrail.recording.scratch import Scratch

if TYPE_CHECKING:
    import polars as pl
    import pyarrow.dataset as ds

type Engine = Literal["duckdb", "pandas", "polars", "pyarrow", "pyspark"]
type Lazy = nw.LazyFrame[Any]

ENGINES: Final[tuple[Engine, ...]] = ("duckdb", "pandas", "polars", "pyarrow", "pyspark")
READ_DICTIONARIES: Final[tuple[Engine, ...]] = ("duckdb",)
"""The engines to which words of a dictionary are words."""

_DUCKDB: Final = {
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}
_GLOB: Final = re.compile(r"[*?\[]")
"""What DuckDB takes for a pattern in a file's name, unless it stands in brackets."""
_LOCAL_SPARK: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # Its default of 200 is for a cluster: here each would be a task with a handful of rows.
    "spark.sql.shuffle.partitions": "4",
}


def placing(engine: Engine, scratch: Scratch) -> "Callable[[pa.Table | ds.Dataset], Lazy]":
    """The function that places an Arrow table, or a dataset of files, on an engine."""
    if engine == "duckdb":
        import duckdb

        connection = duckdb.connect(
            config={
                "autoinstall_known_extensions": "false",
                # By default it would be the folder that the user happens to be in.
                "temp_directory": str(scratch.folder / "duckdb"),
                "memory_limit": "512MB",
            }
        )
        # It takes `python -c` for a person at a terminal, and writes to what may be a pipe.
        # In Jupyter it refuses where it could draw none.
        with contextlib.suppress(duckdb.Error, ImportError):
            connection.execute("SET enable_progress_bar = false")

        def duck(table: "pa.Table | ds.Dataset") -> Lazy:
            if not isinstance(table, pa.Table) and table.format.default_extname == "parquet":
                # Its own reader takes all processors, and passes over what a filter leaves out.
                names = [_GLOB.sub(r"[\g<0>]", file) for file in table.files]
                files = connection.read_parquet(names, hive_partitioning=False)
                return nw.from_native(files.project(_columns(table.schema, files.columns))).lazy()
            return nw.from_native(connection.from_arrow(table)).lazy()

        return duck
    if engine == "polars":
        try:
            import polars as pl
        except ImportError:
            raise UsageError("the engine 'polars' needs the package: pip install polars") from None

        def polars(table: "pa.Table | ds.Dataset") -> Lazy:
            if isinstance(table, pa.Table):
                return nw.from_native(cast("pl.DataFrame", pl.from_arrow(table))).lazy()
            return nw.from_native(pl.scan_pyarrow_dataset(table))

        return polars
    if engine == "pyarrow":
        return lambda table: nw.from_native(_nullable(_whole(table))).lazy()
    if engine == "pandas":
        import pandas as pd

        return lambda table: nw.from_native(
            _whole(table).to_pandas(types_mapper=pd.ArrowDtype)
        ).lazy()
    session = _spark()
    return lambda table: nw.from_native(session.createDataFrame(_whole(table))).lazy()


def is_among(column: str, values: Sequence[object]) -> nw.Expr:
    """Whether a column has one of some values; there may be none (`nw.Expr.is_in` wants one)."""
    if not values:
        return nw.col(column).is_null() & ~nw.col(column).is_null()
    return nw.col(column).is_in(values)


def _columns(schema: pa.Schema, held: Sequence[str]) -> str:
    """The columns of a schema as DuckDB selects them from files; null where these lack one."""
    quoted = {field: f'"{field.name}"' for field in schema}
    return ", ".join(
        f"CAST({name if field.name in held else 'NULL'} AS {_DUCKDB[field.type]}) AS {name}"
        for field, name in quoted.items()
    )


def _whole(table: "pa.Table | ds.Dataset") -> pa.Table:
    """All rows, texts as texts."""
    whole = table if isinstance(table, pa.Table) else table.to_table()
    plain = [
        field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field
        for field in whole.schema
    ]
    return whole.cast(pa.schema(plain))


def _nullable(table: pa.Table) -> pa.Table:
    """The rows, with columns that may all be null: what an outer join makes of others is none."""
    return table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))


def _spark() -> Any:
    """The Spark session that is there (on a cluster, say), else a small one on this machine.

    The one made here listens on the loopback interface only and has no web interface.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("the engine 'pyspark' needs the extra: statetrail[spark]") from None
    session = SparkSession.getActiveSession()
    if session is not None:
        return session
    builder = SparkSession.builder.appName("statetrail").master("local[2]")
    # Workers are to be of this Python, whatever `python3` is.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in _LOCAL_SPARK.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
