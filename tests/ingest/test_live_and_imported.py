"""The same traffic, recorded live and imported from what mitmdump wrote, is the same."""

import contextlib
import gzip
import http.client
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import import_files
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.proxy import mitmdump, origin, reply

XML = b"<?xml version='1.0'?>\n<ResultSet session='tok-0123456789ab'>" + b"<a/>" * 200


def answer(head: bytes, connection: socket.socket) -> None:
    """An origin of both protocols; /cut ends in the middle of its body."""
    if b"/API/V3/" in head:
        packed = gzip.compress(XML)
        connection.sendall(reply(packed, b"Content-Encoding: gzip", b"Content-Type: text/xml"))
    elif b"/cut" in head:
        connection.sendall(reply(b"x" * 100, b"X-Set-LangId: 2;header/forced")[:-50])
    else:
        states = (
            b"X-Set-LangId: 1;header/informational",
            b"X-Set-Ticket: abc/d=e;f;uriquery/forced",
            b"X-Set-CurrId: broken",
        )
        connection.sendall(reply(b"{}", *states))


def tables(store: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of a store, with the flow's id for the exchange's."""
    facts = read_store(store).tables
    flow_of = {row["exchange_id"]: row["flow_id"] for row in facts["exchanges"].to_pylist()}
    rows = {}
    for name in ("exchanges", "issued", "presented"):
        rows[name] = [
            row | {"exchange_id": flow_of[row["exchange_id"]]} for row in facts[name].to_pylist()
        ]
        rows[name].sort(key=lambda row: (row["exchange_id"], row.get("ordinal", 0)))
    return rows


def ask(port: int, path: str) -> None:
    """One request by a client that presents state; a body cut short is no surprise."""
    headers = {"X-Ticket": "abc/d=e;f", "X-CurrId": "3", "User-Agent": "shopper/1"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", path, headers=headers)
        with contextlib.suppress(http.client.IncompleteRead):
            connection.getresponse().read()


@pytest.mark.e2e
@pytest.mark.parametrize(
    "streaming", [(), ("--set", "stream_large_bodies=1")], ids=["", "streamed"]
)
def test_an_imported_flow_file_gives_the_same_sightings_as_live_recording(
    tmp_path: Path, streaming: tuple[str, ...]
) -> None:
    """Exchanges, issued and presented values are equal in every column but the row's own id."""
    flows = tmp_path / "traffic.flows"
    with (
        origin(answer) as port,
        mitmdump(
            tmp_path, f"reverse:http://127.0.0.1:{port}", "-w", str(flows), *streaming
        ) as proxy,
    ):
        for path in (
            "/API/V3/Cart?_session_token=1",
            "/services/v3/products?LangId=1&Ticket=a%2Fb",
            "/cut",
            "/other",
        ):
            ask(proxy.port, path)
        proxy.wait_rows(4)
        proxy.stop()
    imported = tmp_path / "imported.sqlite"
    shutil.copy(f"{proxy.store}.key", f"{imported}.key")
    with SqliteStore.create_or_open(imported) as store:
        (done,) = import_files([flows], store, ExtractorConfig(select(), store.fingerprinter))
    unseen = "1 of 1 responses in the scope of zest have no body" if streaming else None
    assert done.exchanges == 4
    assert (done.problem or "").startswith(unseen) if unseen else done.problem is None
    live, later = tables(proxy.store), tables(imported)
    assert [row["param"] for row in live["issued"]].count("_session_token") == 1
    assert {row["error"] for row in live["exchanges"]} == {None, "server-disconnected"}
    if streaming:
        # mitmdump -w leaves out the body of what it streams: the recorder alone has seen the token.
        assert later["exchanges"] != live["exchanges"]
        assert "body-unseen" in {row["notes"] for row in later.pop("exchanges")}
        del live["exchanges"]
        live["issued"] = [row for row in live["issued"] if row["param"] != "_session_token"]
    assert later == live
    assert len(live["issued"]) == 7 + (not streaming)
