"""A column: in the tables of a store, recorded, in frames, and null where it was not recorded."""

import sqlite3
from contextlib import closing

import statetrail
from contributing.checking import generated_files_are_current
from statetrail.schema import EXCHANGES, SCHEMA_VERSION
from statetrail.store.sqlite import SqliteStore
from support.traffic import facts_of

COLUMN = "request_fields"


def record(flow_id: str) -> None:
    with SqliteStore.create_or_open("shop.sqlite") as store:
        store.append(facts_of(asked={"Accept": "*/*", "Cookie": "a=b"}, flow_id=flow_id))


def recorded() -> list[int | None]:
    return [row[COLUMN] for row in statetrail.open("shop.sqlite").exchanges.rows()]


generated_files_are_current()
assert f'"{COLUMN}" INTEGER,' in EXCHANGES.ddl()
record("first")
assert recorded() == [2]
frame = statetrail.open("shop.sqlite").exchanges.to_pandas()
assert frame[COLUMN].tolist() == [2]

with closing(sqlite3.connect("shop.sqlite")) as db:
    db.execute(f"ALTER TABLE exchanges DROP COLUMN {COLUMN}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    db.commit()
assert recorded() == [None]
record("second")
assert recorded() == [None, 2]
