"""Reads dialects: the built-in ones and a user's files, in the same way.

Enters: names of built-in dialects and paths of TOML files. Leaves: `Dialect`s, or a
`DialectError` of one line with the file, the line and the key:
``acme.toml, line 12: param[1].clear: …``.
"""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from statetrail.dialects.declarations import Family, Param, Refusal, Scope, Text
from statetrail.dialects.model import Dialect
from statetrail.dialects.place import IssuePlace
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES
from statetrail.errors import DialectError, unknown

MAX_BYTES: Final = 65_536
"""Largest file that is read as a dialect."""

_BUILTIN: Final = Path(__file__).with_name("builtin")
_STEP: Final = re.compile(r"([A-Za-z0-9_-]+)|\[(\d+)\]")
# Keys in front of a message: those of `KeyProblem`, as struct fields and their positions.
_KEYS: Final = re.compile(r"((?:[a-z_]+(?:\[\d+\])?\.?)+): (.+)", re.DOTALL)


def select(names: str | Iterable[str] = "all") -> tuple[Dialect, ...]:
    """The dialects of those names and files (comma separated or a sequence).

    `all` stands for every built-in dialect. What ends in ``.toml`` is a file.

    Raises `DialectError` for an unknown name, none at all, a file that cannot be read or does not
    declare a dialect, and for two dialects of one name.
    """
    wanted = names.split(",") if isinstance(names, str) else list(names)
    wanted = list(dict.fromkeys(name.strip() for name in wanted if name.strip()))
    known, own = builtin(), [name for name in wanted if name.endswith(".toml")]
    chosen = [name for name in wanted if name not in own]
    others = [name for name in chosen if name not in known and chosen != ["all"]]
    if others or not wanted:
        name = others[0] if others else "(none named)"
        more = " or 'all', or name a TOML file of your own"
        raise DialectError(unknown("dialect", name, known, more))
    dialects: dict[str, Dialect] = {}
    for name in wanted:
        for dialect in (
            known.values() if name == "all" else [load(name) if name in own else known[name]]
        ):
            if dialect.name in dialects:
                raise DialectError(
                    f"two dialects are named {dialect.name!r} in {','.join(wanted)}: "
                    "give one of them another name, or leave it out"
                )
            dialects[dialect.name] = dialect
    return tuple(dialects.values())


@cache
def builtin() -> dict[str, Dialect]:
    """The built-in dialects by name, letters before digits."""
    dialects = [load(path) for path in _BUILTIN.glob("*.toml")]
    return {d.name: d for d in sorted(dialects, key=lambda d: (d.name[0].isdigit(), d.name))}


def load(path: str | Path) -> Dialect:
    """The dialect that a TOML file declares. Raises `DialectError` where it declares none."""
    path = Path(path).expanduser()
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise DialectError(f"{path}: the file has over {MAX_BYTES} bytes: is it a dialect?")
        source = raw.decode()
        declared = tomllib.loads(source)
    except OSError as error:
        raise DialectError(
            f"{path}: cannot be read ({error.strerror or error}): name a TOML file"
        ) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DialectError(f"{path}, line {line}: not UTF-8: save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"line (\d+)", str(error))
        line = int(match[1]) if match else source.count("\n") + 1
        text = str(error).partition(" (at ")[0]
        raise DialectError(f"{path}, line {line}: no TOML ({text}): correct this line") from None
    except (ValueError, RecursionError) as error:  # a number too long, tables too deep
        raise DialectError(f"{path}: no dialect ({error}): correct it") from None
    try:
        return msgspec.convert(declared, Dialect, dec_hook=_place)
    except msgspec.ValidationError as error:
        key, text = _explained(str(error), declared)
        raise DialectError(f"{path}, line {_line_of(key, source)}: {key}: {text}") from None


def located(path: Path, key: str) -> str:
    """Where a key of a loaded file is, as errors begin: ``acme.toml, line 12: param[1].clear``."""
    return f"{path}, line {_line_of(key, path.read_text('utf-8'))}: {key}"


def _place(kind: type, declared: object) -> object:
    """The place that a table in `issue` or `present` declares."""
    places: dict[str, Any] = ISSUE_PLACES if kind is IssuePlace else PRESENT_PLACES
    if not isinstance(declared, dict):
        raise TypeError(f'is no table: write it as {{ {next(iter(places))} = "…" }}')
    keys = [key for key in declared if key in places]
    if len(keys) != 1:
        raise ValueError(
            f"{'several places' if keys else 'no place'} in one table: "
            f"use exactly one of {', '.join(sorted(places))}"
        )
    try:
        return msgspec.convert(declared, places[keys[0]])
    except msgspec.ValidationError as error:
        # Its path ends that of the whole; msgspec only extends other errors.
        raise ValueError(str(error)) from None


def _explained(message: str, declared: dict[str, Any]) -> tuple[str, str]:
    """The key that a message of msgspec is about, and what is wrong with it."""
    text, *paths = message.split(" - at `$")
    path = "".join(part.rstrip("`") for part in reversed(paths)).lstrip(".")
    if match := _KEYS.fullmatch(text):
        path, text = f"{path}.{match[1]}", match[2]
    elif match := re.search(r"unknown field `(.+)`", text):
        path, text = f"{path}.{match[1]}", f"unknown key: use one of {_known(path)}"
    elif match := re.search(r"missing required field `(.+)`", text):
        text = f"the key `{match[1]}` is missing: add it"
    elif match := re.fullmatch(r"Expected (.+), got (.+)", text):
        text = f"wrong type: write {_TYPES.get(match[1], match[1])}, not {match[2].strip('`')}"
    elif match := re.fullmatch(r"Invalid enum value '(.*)'", text):
        text = f"{match[1]!r} is none of the values allowed here: see the documentation of this key"
    return path.lstrip(".") or "the file", text


_TYPES: Final = {
    "`str`": "a string",
    "`bool`": "true or false",
    "`int`": "a number",
    "`array`": "an array",
    "`object`": "a table",
    "`str | null`": "a string",
}


_KINDS: Final[tuple[tuple[str, Any], ...]] = (
    (r"^$", Dialect),
    (r"^scope$", Scope),
    (r"^family$", Family),
    (r"refused\[\d+\]$", Refusal),
    (r"refused\[\d+\]\.\w+$", Text),
    (r"", Param),
)
"""What the table at a path declares."""


def _known(path: str) -> str:
    """The keys that are known at a path."""
    if path.endswith("]") and (match := re.search(r"(issue|present|ends)\[\d+\]$", path)):
        places = ISSUE_PLACES if match[1] == "issue" else PRESENT_PLACES
        structs: list[Any] = list(places.values())
    else:
        structs = [next(kind for pattern, kind in _KINDS if re.search(pattern, path))]
    return ", ".join(sorted({key for each in structs for key in each.__struct_encode_fields__}))


def _line_of(key: str, source: str) -> int:
    """The line of a key, or of the table that it would be in.

    The key stands in the first statement with which the beginning of the file has it; statements
    end where the beginning of the file is TOML.
    """
    steps = [name or int(position) for name, position in _STEP.findall(key)]
    lines = source.split("\n")
    while steps:
        start = 1
        for end in range(1, len(lines) + 1):
            try:
                declared = tomllib.loads("\n".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue
            if _has(declared, steps):
                return start
            start = end + 1
        steps.pop()
    return 1


def _has(declared: Any, steps: list[str | int]) -> bool:
    for step in steps:
        try:
            declared = declared[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
