"""Shared credentials: the same token or ticket in the hands of several clients.

Enters: a recording. Leaves: the table `shared`, one row per credential and client that presented
it. Who is a client is what ``client_by`` says: a client whose address changes is two clients where
they are told apart by address.
"""

import re
from typing import Final

import narwhals as nw
import pyarrow as pa

from statetrail.analyses.analysis import analysis
from statetrail.analyses.events.values import NEVER, issues, presentations
from statetrail.analyses.exposure.tables import SHARED
from statetrail.dialects import Param
from statetrail.recording.engines import Lazy
from statetrail.recording.frames import Recording

_VALUE: Final = ("origin", "dialect", "param", "fingerprint")
_CREDENTIAL: Final = re.compile(r"auth|password|secret|session|ticket|token", re.IGNORECASE)


def is_credential(param: Param) -> bool:
    """Whether who holds a value may act with it: tokens, tickets, authentication.

    Minted parameters are, and secret ones by their name; the id of a customer is secret too, but
    many may share it.
    """
    return param.minted or (param.clear is None and bool(_CREDENTIAL.search(param.name)))


def credentials(rec: Recording) -> Lazy:
    """The parameters that are credentials: columns ``dialect``, ``param``."""
    rows = [
        {"dialect": dialect.name, "param": param.name}
        for dialect in rec.dialects
        for param in dialect.params
        if is_credential(param)
    ]
    layout = pa.schema([("dialect", pa.string()), ("param", pa.string())])
    return rec.once("credentials", lambda: rec.place(pa.Table.from_pylist(rows, schema=layout)))


@analysis(SHARED, scope="whole")
def shared(rec: Recording) -> Lazy:
    """The credentials that several clients presented (table `shared`), computed once.

    ``how`` is ``handed`` where the server issued the value to that client before it was presented,
    ``taken`` where it had issued it to another one only, ``unseen`` where no issue was captured.
    """
    return _shared(rec)


def _shared(rec: Recording) -> Lazy:
    secret = ["dialect", "param"]
    shown = (
        presentations(rec)
        .join(credentials(rec), on=secret)
        .group_by(*_VALUE, "client")
        .agg(
            uses=nw.col("exchange_id").count(),
            first_us=nw.col("asked_us").min(),
            last_us=nw.col("asked_us").max(),
            first_id=nw.col("exchange_id").min(),
        )
    )
    clients = (
        shown.group_by(*_VALUE).agg(clients=nw.col("client").count()).filter(nw.col("clients") > 1)
    )
    issued = issues(rec).join(credentials(rec), on=secret)
    anyone = issued.group_by(*_VALUE).agg(issues=nw.col("exchange_id").count())
    this_one = issued.group_by(*_VALUE, "client").agg(issued_us=nw.col("begun_us").min())
    how = (
        # A server that echoes the token it is presented has not handed it out.
        nw.when(nw.col("issued_us").fill_null(NEVER) <= nw.col("first_us"))
        .then(nw.lit("handed"))
        .when(~nw.col("issues").is_null())
        .then(nw.lit("taken"))
        .otherwise(nw.lit("unseen"))
    )
    return (
        shown.join(clients, on=list(_VALUE))
        .join(anyone, on=list(_VALUE), how="left")
        .join(this_one, on=[*_VALUE, "client"], how="left")
        .with_columns(how=how)
        .select(*SHARED.names)
    )
