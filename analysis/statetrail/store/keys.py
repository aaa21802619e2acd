"""The key of a store's fingerprints: a file of mode 0600 beside the store.

With the key a guessed value can be tested against the fingerprints; without it the pseudonyms can
neither be inverted nor be joined with another store's.
"""

import contextlib
import os
import secrets
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Final

from statetrail.errors import StoreError

WRITTEN_S: Final = 2.0
"""Longest wait in seconds for another process that is writing the key file."""


def key_path(store: Path) -> Path:
    """The path of a store's key: ``recording.sqlite.key`` for ``recording.sqlite``."""
    return store.with_name(store.name + ".key")


def key_id(key: bytes) -> str:
    """The id by which a store recognises its key; it reveals nothing about the key."""
    return blake2b(key=key, digest_size=8, person=b"statetrail-keyid").hexdigest()


def new_key() -> bytes:
    """A fresh random key."""
    return secrets.token_bytes(32)


def read_key(path: Path) -> bytes:
    """The key in a key file.

    Raises `StoreError` if the file is missing or no key file, or if others can read or change it.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise StoreError(
            f"{path} is no key file: it is no regular file", page="recorder"
        )  # a pipe would wait
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError:
        raise StoreError(f"there is no key file {path}", page="recorder") from None
    except (OSError, ValueError):
        raise StoreError(
            f"{path} cannot be read as a key file (64 hexadecimal digits)", page="recorder"
        ) from None
    if len(key) != 32:
        raise StoreError(f"{path} is no key file: a key has 64 hexadecimal digits", page="recorder")
    _check_private(path)
    return key


def _check_private(path: Path) -> None:
    """Raise `StoreError` for a key of another user, and for one that others can read or change."""
    if sys.platform == "win32":
        return
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()):
        raise StoreError(
            f"the key file {path} belongs to another user: copy it to one of your own",
            page="recorder",
        )
    if status.st_mode & 0o077:
        raise StoreError(f"others can use the key file {path}: chmod 600 it", page="recorder")


def write_key(path: Path, key: bytes) -> None:
    """Write a new key file of mode 0600. Raises `StoreError` if that fails."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StoreError(
            f"the key file {path} cannot be made: {error.strerror}", page="recorder"
        ) from error
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path.parent)
    except OSError as error:
        # A partial key would block the next attempt.
        with contextlib.suppress(OSError):
            path.unlink()
        raise StoreError(
            f"the key file {path} cannot be written: {error.strerror}", page="recorder"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Keep the names in a folder over a power loss, where a folder can be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def keep_key(path: Path, key: bytes) -> bytes:
    """Write a key file unless there is one; returns the key in it.

    Two processes that create the same store at once both get the key of the first. Raises
    `StoreError` if the file cannot be written, or is no key file.
    """
    if not os.path.exists(path):
        try:
            write_key(path, key)
        except StoreError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
        else:
            return key
    until = time.monotonic() + WRITTEN_S
    while _is_empty(path) and time.monotonic() < until:
        time.sleep(0.01)
    return read_key(path)


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def forget_key(store: Path) -> bool:
    """Delete a store's key: its pseudonyms can no longer be linked to a value.

    Returns whether there was a key file. Raises `StoreError` if it cannot be removed.
    """
    path = key_path(store)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(
            f"the key file {path} cannot be removed: {error.strerror}", page="recorder"
        ) from error
    return True
