"""Key files: readable by their owner alone, never overwritten, never shown."""

import os
import stat
import threading
from pathlib import Path

import pytest

from statetrail.errors import StoreError
from statetrail.store.keys import forget_key, key_id, key_path, new_key, read_key, write_key
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore
from support.traffic import facts_of


def make(path: Path, **options: object) -> Path:
    """A store at the path."""
    SqliteStore.create_or_open(path, **options).close()  # type: ignore[arg-type]
    return path


def test_a_new_store_has_its_key_beside_it(tmp_path: Path) -> None:
    """One key file, 64 hexadecimal digits, for its owner's eyes alone."""
    beside = key_path(make(tmp_path / "x.sqlite"))
    assert beside.name == "x.sqlite.key"
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert len(read_key(beside)) == 32
    assert read_store(tmp_path / "x.sqlite").key_id == key_id(read_key(beside))


def test_the_key_is_neither_in_the_store_nor_in_its_id(tmp_path: Path) -> None:
    """What the store remembers of its key does not tell it."""
    path = make(tmp_path / "x.sqlite")
    key = read_key(key_path(path))
    assert key not in path.read_bytes()
    assert key.hex().encode() not in path.read_bytes()
    assert key_id(key) not in key.hex()


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """What lies there stays there, and a new store takes it up."""
    beside = key_path(tmp_path / "x.sqlite")
    key = new_key()
    write_key(beside, key)
    with pytest.raises(StoreError, match="cannot be made: File exists"):
        write_key(beside, new_key())
    make(tmp_path / "x.sqlite")
    assert read_key(beside) == key


def test_a_key_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    """Of two that make a store at once the second takes up the first one's key."""
    beside = key_path(tmp_path / "x.sqlite")
    beside.touch(0o600)
    key = new_key()
    other = threading.Timer(0.1, beside.write_text, [key.hex() + "\n"])
    other.start()
    make(tmp_path / "x.sqlite")
    other.join()
    assert read_key(beside) == key


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda key: key.chmod(0o640), "others can use the key file .*: chmod 600 it"),
        (lambda key: os.chown(key, 12345, -1), "belongs to another user"),
        (lambda key: (key.unlink(), os.mkfifo(key, 0o600)), "is no regular file"),
    ],
    ids=["readable by the group", "of another user", "a pipe"],
)
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, spoil, message: str) -> None:
    """Whoever has it can test guesses; a pipe would never be opened."""
    if "another user" in message and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = make(tmp_path / "x.sqlite")
    spoil(key_path(path))
    with pytest.raises(StoreError, match=message):
        SqliteStore.create_or_open(path)


def test_a_store_and_its_log_are_private(tmp_path: Path) -> None:
    """Whatever the mask of the process is."""
    with SqliteStore.create_or_open(tmp_path / "x.sqlite") as store:
        store.append(facts_of("/v3/x"))
        assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == 4


def test_two_stores_of_one_key_can_be_joined(tmp_path: Path) -> None:
    """A given key makes the same pseudonyms and is copied beside the store."""
    one = make(tmp_path / "one.sqlite")
    two = make(tmp_path / "two.sqlite", key=key_path(one))
    assert read_store(one).key_id == read_store(two).key_id
    assert key_path(two).read_text() == key_path(one).read_text()


def test_a_store_without_its_key_is_read_and_not_written(tmp_path: Path) -> None:
    """A key that was thrown away, or never kept, ends the writing."""
    thrown = make(tmp_path / "thrown.sqlite")
    assert forget_key(thrown)
    assert not forget_key(thrown)
    never = make(tmp_path / "never.sqlite", keep_key=False)
    assert not key_path(never).exists()
    for path in (thrown, never):
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"the key of .* is missing"):
            SqliteStore.create_or_open(path)
        assert path.read_bytes() == before
        assert read_store(path).tables["exchanges"].num_rows == 0


def test_another_key_is_refused(tmp_path: Path) -> None:
    """Given, or lying beside the store: a key that is not the store's is named as such."""
    path = make(tmp_path / "x.sqlite")
    other = tmp_path / "other.key"
    write_key(other, new_key())
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"other\.key is not the key that"):
        SqliteStore.create_or_open(path, key=other)
    key_path(path).write_text(other.read_text())
    with pytest.raises(StoreError, match=r"x\.sqlite\.key is not the key that"):
        SqliteStore.create_or_open(path)
    assert path.read_bytes() == before


def test_a_new_store_does_not_hide_a_key_that_lies_there(tmp_path: Path) -> None:
    """With another key beside it the new store could not be opened again without a hint."""
    other = tmp_path / "other.key"
    write_key(other, new_key())
    write_key(key_path(tmp_path / "x.sqlite"), new_key())
    with pytest.raises(StoreError, match=r"is another key than .*other\.key"):
        SqliteStore.create_or_open(tmp_path / "x.sqlite", key=other)
    assert not (tmp_path / "x.sqlite").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64, b"hello"]
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file and not what is in it."""
    file = tmp_path / "my.key"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"my\.key (cannot be read as a|is no) key file") as error:
        SqliteStore.create_or_open(tmp_path / "x.sqlite", key=file)
    assert len(content) < 5 or content.decode("latin-1") not in str(error.value)
    assert not (tmp_path / "x.sqlite").exists()


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    """A file that is not there, and a folder, are no keys."""
    with pytest.raises(StoreError, match="there is no key file"):
        SqliteStore.create_or_open(tmp_path / "x.sqlite", key=tmp_path / "nowhere")
    with pytest.raises(StoreError, match="cannot be read as a key file"):
        SqliteStore.create_or_open(tmp_path / "x.sqlite", key=tmp_path)
