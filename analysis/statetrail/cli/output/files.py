"""Output files: checked before the work, written whole or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from statetrail.errors import UsageError


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path] = ()) -> None:
    """Raise `UsageError` for an output that cannot be written or would overwrite an input."""
    sources = {_real(path) for path in inputs}
    sources |= {source.with_name(source.name + ".key") for source in sources}
    targets: set[Path] = set()
    for path in outputs:
        if path is None:
            continue
        real = _real(path)
        if real in sources or any(source in real.parents for source in sources):
            raise UsageError(f"{path} is an input of this command: name another file to write")
        if real in targets:
            raise UsageError(f"{path} is named for two outputs: name two files")
        if os.path.isdir(real):
            raise UsageError(f"{path} is a folder: name a file in it")
        if not os.path.isdir(real.parent):
            raise UsageError(f"{path} cannot be written: there is no folder {real.parent}")
        if not os.access(real if _is_special(real) else real.parent, os.W_OK):
            raise UsageError(f"{path} cannot be written: no permission")
        targets.add(real)


def write_file(path: Path, content: str | bytes | Iterator[bytes]) -> None:
    """Write a file in one step: others see the old one or the whole new one.

    The content may come in pieces.
    """
    if isinstance(content, str):
        content = content.encode("utf-8", "backslashreplace")
    pieces = [content] if isinstance(content, bytes) else content
    real = _real(path)
    try:
        if _is_special(real):
            with real.open("wb") as file:
                file.writelines(pieces)
            return
        mode = real.stat().st_mode & 0o777 if real.exists() else 0o600
        handle, name = tempfile.mkstemp(prefix=f".{real.name[:100]}.", dir=real.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(pieces)
            temporary.chmod(mode)
            temporary.replace(real)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None


def _real(path: Path) -> Path:
    """The path with its links followed, so that a link stays one."""
    return Path(os.path.realpath(path))


def _is_special(path: Path) -> bool:
    """Whether it is a device or a pipe, which is written to and never replaced."""
    return os.path.exists(path) and not os.path.isfile(path)
