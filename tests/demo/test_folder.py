"""The demo's folder: what is replaced, and what is left alone."""

import pytest

from statetrail.demo.folder import Folder
from statetrail.errors import UsageError
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request
from statetrail.store.sqlite import SqliteStore


def record(path, user_agent):
    """A store with one exchange of that client."""
    request = Request(
        method="GET",
        scheme="http",
        host="shop.example",
        port=80,
        target=b"/API/V3/Cart",
        headers=((b"user-agent", user_agent.encode()),),
        http_version="HTTP/1.1",
        start_us=1,
    )
    with SqliteStore.create_or_open(path) as store:
        store.append(extract(Exchange("a", request), ExtractorConfig((), store.fingerprinter)))


def run(out, user_agent="statetrail-demo/one"):
    """What a demo does with its folder."""
    folder = Folder(out)
    try:
        record(folder.store, user_agent)
        (folder.stage / "audit.html").write_text("<p>")
        (folder.stage / "audit.json").write_text("{}")
        folder.fold()
        return [path.name for path in folder.publish()]
    finally:
        folder.close()


def test_a_demo_leaves_its_files_and_nothing_else(tmp_path):
    """The store with its key and the two reports; a second demo replaces them."""
    out = tmp_path / "new" / "demo"
    names = ["recording.sqlite.key", "recording.sqlite", "audit.html", "audit.json"]
    assert run(out) == names
    before = (out / "recording.sqlite.key").read_text()
    assert run(out) == names
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert (out / "recording.sqlite.key").read_text() != before


@pytest.mark.parametrize("name", ["recording.sqlite", "recording.sqlite.key", "audit.json"])
def test_a_file_that_no_demo_made_is_refused(name, tmp_path):
    """And left as it is."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="was not made by a demo"):
        Folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_recording_of_real_clients_is_refused(tmp_path):
    """A store that the user made under the demo's name."""
    record(tmp_path / "recording.sqlite", "Mozilla/5.0")
    with pytest.raises(UsageError, match="was not made by a demo"):
        Folder(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    """With the way out in the message."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="name another"):
        Folder(tmp_path / "file")
