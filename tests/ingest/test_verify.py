"""Any artefact is searched for what a capture knew."""

import gzip
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from statetrail.cli import app
from statetrail.store.keys import write_key
from support.hars import entry, headers, write_har

TICKET = "SKs5zIHxUPOghUxku/iafHQNFLUwqey0DB8"
TOKEN = "yjipILZBeUWxrFqRT"


def verify(*arguments: object) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    for secret in (TICKET, TOKEN):
        assert secret not in ran.output
    return ran.exit_code, ran.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A capture, its store and key, and what is made of them."""
    folder = tmp_path_factory.mktemp("verify")
    request = entry(
        f"https://shop.example/API/V3/Cart?_session_token={TOKEN}",
        request__headers=headers(("X-Ticket", TICKET)),
    )
    capture, store = write_har(folder / "a.har", request, entry()), folder / "a.sqlite"
    for arguments in (
        ("import", capture, "--store", store),
        ("audit", store, "--html", folder / "a.html", "--json", folder / "a.json"),
        ("export", store, "--to", folder / "dataset"),
        ("redact", capture, "--out", folder / "b.har", "--bodies"),
    ):
        assert CliRunner().invoke(app, [*map(str, arguments)]).exit_code == 0
    return folder


CLEAN = ("a.html", "a.json", "a.sqlite", "dataset", "b.har")
KNOWN = ("a.har", "a.sqlite", "dataset")


@pytest.mark.parametrize("capture", KNOWN)
def test_what_is_made_of_a_capture_holds_none_of_its_secrets(folder, capture):
    """Report, store, dataset and redacted copy, by the secrets and by fingerprints."""
    code, said = verify(
        *(folder / name for name in CLEAN),
        *("--capture", folder / capture, "--key", folder / "a.sqlite.key"),
    )
    assert code == 0, said


def packed(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def database(text: str) -> bytes:
    """With the text across pages."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES (?)", ("x" * 3_990 + " " + text,))
        db.commit()
        return db.serialize()


def columns(text: str) -> bytes:
    file = io.BytesIO()
    table = pa.table({"a": pa.array(["b", text]).dictionary_encode(), "n": [1, 2]})
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


ARTEFACTS = {
    "log": f"GET /?t={TOKEN} 200".encode(),
    "a part of a log": b"x" * ((1 << 20) - 5) + f" {TOKEN} ".encode(),
    "JSON": json.dumps({"a": TICKET}).replace("/", "\\/").encode(),
    "escaped": "".join(f"%{ord(c):02x}" for c in TOKEN).encode(),
    "notebook": json.dumps({"cells": [{"source": [f"t = '{TOKEN}'"]}]}).encode(),
    "UTF-16": f"token {TOKEN}".encode("utf-16"),
    "gzip": gzip.compress(TOKEN.encode()),
    "zip": packed("a.log", TOKEN.encode()),
    "zip of a gzip": packed("a.gz", gzip.compress(TOKEN.encode())),
    "gzip of a zip": gzip.compress(packed("a.log", TOKEN.encode())),
    "SQLite": database(TOKEN),
    "Parquet": columns(TOKEN),
}


@pytest.mark.parametrize("capture", ["a.har", "a.sqlite"])
@pytest.mark.parametrize("content", ARTEFACTS.values(), ids=ARTEFACTS)
def test_a_secret_is_found(folder, content, capture, tmp_path):
    """In any kind of file; the place is told, and not what is there."""
    artefact = tmp_path / "artefact"
    artefact.write_bytes(content)
    code, said = verify(artefact, "--capture", folder / capture)
    assert code == 1
    assert f"{artefact}" in said
    assert "a secret near byte" in said


def test_a_store_among_the_artefacts_knows_its_secrets(folder, tmp_path):
    """Then nothing else has to be named but its key."""
    (tmp_path / "log").write_text(TOKEN)
    assert verify(tmp_path / "log", folder / "a.sqlite")[0] == 1
    assert verify(folder / "a.html", folder / "a.sqlite")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("missing", "--capture", "a.har"),
        ("a.html",),
        ("a.html", "--capture", "missing"),
        ("a.html", "--capture", "a.html"),
        ("a.html", "--capture", "a.sqlite", "--key", "other.key"),
        ("cut.zip", "--capture", "a.har"),
    ],
    ids=["no artefact", "nothing known", "no capture", "not a capture", "another key", "damaged"],
)
def test_what_cannot_be_searched_is_an_error(folder, arguments):
    """And not taken for clean."""
    (folder / "other.key").unlink(missing_ok=True)
    write_key(folder / "other.key", bytes(32))
    (folder / "cut.zip").write_bytes(packed("a", TOKEN.encode())[:40])
    code, said = verify(*(each if each.startswith("-") else folder / each for each in arguments))
    assert code == 2
    assert len(said.splitlines()) == 1
