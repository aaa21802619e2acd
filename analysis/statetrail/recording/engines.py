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
from statetrail.recording.limits import Limits
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
_SPARK: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
}
_LOCAL: Final = re.compile(r"local\b|spark://(?:127\.|localhost\b)")
_LOCAL_SPARK: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # Its default of 200 is for a cluster: here each would be a task with a handful of rows.
    "spark.sql.shuffle.partitions": "4",
}


type Place = "Callable[[pa.Table | ds.Dataset], Lazy]"
"""Places an Arrow table, or a dataset of files, on an engine."""


def placing(
    engine: Engine, scratch: Scratch, limits: Limits, session: Any = None
) -> tuple[Place, Callable[[], object]]:
    """What places tables on an engine, and what lets the engine give back the memory of queries.

    On ``pyspark`` they are placed in the `session`, by default the active one or a new one.
    """
    if engine == "duckdb":
        return _duckdb(scratch, limits)
    return _placing(engine, session), _nothing


def _nothing() -> None:
    """Nothing to give back."""


def _duckdb(scratch: Scratch, limits: Limits) -> tuple[Place, Callable[[], object]]:
    import duckdb

    config: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        # By default it would be the folder that the user happens to be in.
        "temp_directory": str(scratch.folder / "duckdb"),
        "threads": str(limits.threads),
        "memory_limit": f"{limits.query_mib}MiB",
    }
    connection = duckdb.connect(config=config)
    # It takes `python -c` for a person at a terminal, and writes to what may be a pipe.
    # In Jupyter it refuses where it could draw none.
    with contextlib.suppress(duckdb.Error, ImportError):
        connection.execute("SET enable_progress_bar = false")

    def place(table: "pa.Table | ds.Dataset") -> Lazy:
        if not isinstance(table, pa.Table) and table.format.default_extname == "parquet":
            # Its own reader takes all processors, and passes over what a filter leaves out.
            names = [_GLOB.sub(r"[\g<0>]", file) for file in table.files]
            files = connection.read_parquet(names, hive_partitioning=False)
            return nw.from_native(files.project(_columns(table.schema, files.columns))).lazy()
        return nw.from_native(connection.from_arrow(table)).lazy()

    def give_back() -> None:
        # Each of its threads keeps what it once had, until it ends.
        for threads in (1, limits.threads):
            connection.execute(f"SET threads = {threads}")

    return place, give_back


def _placing(engine: Engine, session: Any) -> Place:
    """What places tables on an engine that gives all memory back by itself."""
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
        return lambda table: nw.from_native(_outer_joined(_whole(table))).lazy()
    if engine == "pandas":
        import pandas as pd

        return lambda table: nw.from_native(
            _whole(table).to_pandas(types_mapper=pd.ArrowDtype)
        ).lazy()
    session = session or spark_session()

    def spark(table: "pa.Table | ds.Dataset") -> Lazy:
        if isinstance(table, pa.Table):
            placed: Lazy = nw.from_native(session.createDataFrame(_whole(table))).lazy()
            return placed
        # Its workers read the files, so that no row goes through this process.
        from pyspark.sql.pandas.types import from_arrow_schema

        schema = from_arrow_schema(nullable(table.schema))
        read: Lazy = nw.from_native(session.read.schema(schema).parquet(*table.files)).lazy()
        return read

    return spark


def distinct(rows: Lazy, column: str) -> list[Any]:
    """The distinct values of a column, in no order.

    `nw.LazyFrame.unique` is a window function on DuckDB, which holds all rows.
    """
    groups = rows.group_by(column).agg(rows=nw.len()).select(column)
    return groups.collect("pyarrow").get_column(column).to_list()


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


def _outer_joined(table: pa.Table) -> pa.Table:
    """The rows, with columns that may all be null: what an outer join makes of others is none."""
    return table.cast(nullable(table.schema))


def nullable(schema: pa.Schema) -> pa.Schema:
    """The schema with columns that may be null."""
    return pa.schema([field.with_nullable(True) for field in schema])


def spark_session(master: str | None = None) -> Any:
    """The Spark session that is there (on a cluster, say), else one of this `master`.

    By default it is a small one on this machine, which listens on the loopback interface only. None
    that is made here has a web interface.

    Raises
    ------
    UsageError
        PySpark or Java is missing, or there is no such master.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(
            "the engine 'pyspark' needs the extra: pip install 'statetrail[spark]'",
            page="installing",
        ) from None
    session = SparkSession.getActiveSession()
    if session is not None and master is None:
        return session
    master = master or "local[2]"
    # Workers are to be of this Python, whatever `python3` is.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("statetrail").master(master)
    for name, value in (_SPARK | (_LOCAL_SPARK if _LOCAL.match(master) else {})).items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # Java's errors have no type of their own here
        reason = str(error).strip().partition("\n")[0][:200]
        raise UsageError(
            f"Spark does not start with the master {master!r}: {reason}", page="performance"
        ) from None
    session.sparkContext.setLogLevel("ERROR")
    return session
