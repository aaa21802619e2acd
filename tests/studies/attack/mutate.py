"""Mutants of inputs: damaged bytes, text and flows with extreme values, hostile stores.

Enters: a good input and a random generator. Leaves: the mutant.
"""

import io
import random
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from mitmproxy.io import tnetstring

NUMBERS: Final = (
    b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"9" * 5000, b"9223372036854775807", b"1e18",
    b"253402300800", b"-62135596801", b"null", b'"x"', b"[]", b"{}", b"true", b"0.1e-400",
)  # fmt: skip
_NUMBER: Final = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_TEXT: Final = re.compile(rb'"[^"\n]{0,200}"')
TEXTS: Final = (
    b'""', b"null", b"7", b'"\\ud800"', b'"\\u0000"', b'"\xff\xfe"', b"[1]", b'{"a": 1}',
    b'"9999-12-31T23:59:60Z"', b'"0000-00-00T00:00:00Z"', b'"' + b"x" * 70_000 + b'"',
)  # fmt: skip
STATES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 2**63, -(2**70), 10**400, 1e300, -1e300, 253402300800.0,
    -62135596801.0, 1e18, float("nan"), float("inf"), b"", b"\xff\xfe", "", "x" * 70_000,
    "\N{RIGHT-TO-LEFT OVERRIDE}", [], [[]], {}, {"a": 1}, [b"a", 1], b"\x00",
)  # fmt: skip
VALUES: Final = (
    "'text'", "''", "NULL", "x'ff00'", "CAST(x'fffe' AS TEXT)", "9e999", "-9e999", "1.5",
    "9223372036854775807", "-9223372036854775808", "253402300800000000", "-62135596801000000",
    "char(0)", "zeroblob(100000)", "'=1+1'", "printf('%.*c', 100000, 'x')",
)  # fmt: skip


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The bytes with some changed, cut out, repeated or put in."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 8, 40))):
        at, length = draw.randrange(len(data) + 1), draw.choice((1, 2, 8, 100, 1000))
        match draw.randrange(5):
            case 0:
                data[at : at + 1] = bytes((draw.randrange(256),))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = data[at : at + length]
            case 3:
                data[at:at] = draw.randbytes(min(length, 100))
            case 4 if draw.random() < 0.2:
                del data[at:]
    return bytes(data)


def extreme(content: bytes, draw: random.Random) -> bytes:
    """Text with a number or a string replaced by an extreme one, or nested without end."""
    if draw.random() < 0.05:
        opening, closing_ = draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
        deep = opening * 20_000 + b"1" + closing_ * 20_000
        return _replaced(content, draw.choice((_NUMBER, _TEXT)), (deep,), draw)
    pattern, instead = draw.choice(((_NUMBER, NUMBERS), (_TEXT, TEXTS)))
    return _replaced(content, pattern, instead, draw)


def _replaced(
    content: bytes, pattern: re.Pattern[bytes], instead: tuple[bytes, ...], draw: random.Random
) -> bytes:
    found = list(pattern.finditer(content))
    if not found:
        return content
    one = draw.choice(found)
    return content[: one.start()] + draw.choice(instead) + content[one.end() :]


def text(content: bytes, draw: random.Random) -> bytes:
    """A text file's mutant."""
    return damaged(content, draw) if draw.random() < 0.4 else extreme(content, draw)


def flow(good: bytes, draw: random.Random) -> bytes:
    """A flow file's mutant: damaged, or with one value of one flow replaced."""
    if draw.random() < 0.3:
        return damaged(good, draw)
    states = []
    file = io.BytesIO(good)
    while file.tell() < len(good):
        states.append(tnetstring.load(file))
    place: Any = draw.choice(states)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw.choice(keys)
        if not isinstance(place[key], (dict, list)) or not place[key] or draw.random() < 0.1:
            break
        place = place[key]
    if isinstance(place, tuple):
        return damaged(good, draw)
    place[key] = draw.choice(STATES)
    return b"".join(map(tnetstring.dumps, states))


def store(good: Path, bad: Path, draw: random.Random) -> None:
    """A SQLite store's mutant: damaged, or with what its schema should have kept out."""
    kind = draw.choice(("bytes", "values", *("forged",) * 5, "view", "column", "meta"))
    if kind == "bytes":
        bad.write_bytes(damaged(good.read_bytes(), draw))
        return
    shutil.copyfile(good, bad)
    with closing(sqlite3.connect(bad, isolation_level=None)) as db:
        tables = [n for (n,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        table = draw.choice([name for name in tables if not name.startswith("sqlite_")])
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        column = draw.choice(columns)
        if kind == "view":
            names = ", ".join(f'1 AS "{name}"' for name in columns)
            db.execute(f"DROP TABLE {table}")
            db.execute(
                f"CREATE VIEW {table} AS WITH RECURSIVE r(n) AS "
                f"(SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {names} FROM r"
            )
            return
        if kind == "column":
            db.execute("PRAGMA writable_schema = ON")
            db.execute(
                "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?",
                (f'"{column}"', '"other"', table),
            )
            return
        if kind == "meta":
            pragma = draw.choice(("user_version", "application_id"))
            db.execute(f"PRAGMA {pragma} = {draw.choice((0, -1, 1, 2, 3, 4, 2**31 - 1))}")
            return
        sql = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
        loose = sql.replace("STRICT", "").replace(" NOT NULL", "").replace(", WITHOUT", " WITHOUT")
        loose = re.sub(r" (INTEGER|TEXT|REAL)\b", "", loose).rstrip().rstrip(",")
        db.execute(f"ALTER TABLE {table} RENAME TO old")
        db.execute(loose)
        db.execute(f"INSERT INTO {table} SELECT * FROM old")
        db.execute("DROP TABLE old")
        number = draw.randrange(4)
        where = f"rowid IN (SELECT rowid FROM {table} LIMIT {number + 1})"
        if "WITHOUT ROWID" in loose:
            where = "1"
        db.execute(f'UPDATE OR IGNORE {table} SET "{column}" = {draw.choice(VALUES)} WHERE {where}')
        if kind == "forged":
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (sql, table))
