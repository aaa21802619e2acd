"""A large recording of a busy shop with faults and ends of every kind, for the report's benchmark.

The labelled clients of both dialects are imported from a HAR file by the command. They are then
repeated under other addresses, hours later, with other secrets, up to the size wanted.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.schema import FACTS
from statetrail.store.dataset.export import export_parquet
from statetrail.store.reader import Facts, read_store
from studies.simulation.clients import simulate
from studies.simulation.har import write_har

WORLD = (250, 50_000)
"""Clients and exchanges of the world that is repeated."""
LATER_US = 3 * 3_600_000_000
"""How much later each repetition begins."""
_FINGERPRINTS = ("fingerprint", "normal_fingerprint", "prefix_fingerprint")


def shop(folder: Path, exchanges: int, seed: int = 1) -> None:
    """Write a dataset of about that many exchanges into the folder, which is made."""
    clients, size = WORLD
    size = min(size, exchanges)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        har, store = Path(made) / "world.har", Path(made) / "world.sqlite"
        characters, told = simulate(seed, clients, size)
        write_har(har, characters, told, seed)
        command = [sys.executable, "-m", "statetrail", "import", str(har), "--store", str(store)]
        subprocess.run(command, check=True, capture_output=True)
        world = read_store(store)
        tables = [_repeated(world, at) for at in range(max(exchanges // size, 1))]
        joined = {
            table.name: pa.concat_tables([one[table.name] for one in tables]).cast(table.arrow)
            for table in FACTS
        }
        joined["captures"] = world.table("captures")
        export_parquet(Facts(store, world.key_id, joined), folder, ("peer", "user-agent"))


def _repeated(world: Facts, at: int) -> dict[str, pa.Table]:
    """The world once more: its clients elsewhere, its times later, its secrets others."""
    ids = world.table("exchanges")["exchange_id"]
    offset = at * (pc.max(ids).as_py() + 1)
    mask = int(np.random.default_rng(at).integers(2**62)) if at else 0
    found = {}
    for table in FACTS:
        rows = world.table(table.name)
        for name in rows.column_names:
            column = rows[name]
            if name == "exchange_id":
                column = pc.add(column, offset)
            elif name.endswith("_us"):
                column = pc.add(column, at * LATER_US)
            elif name == "peer":
                column = pc.replace_substring_regex(column, r"^10\.", f"{11 + at}.")
            elif name in _FINGERPRINTS:
                other = pc.bit_wise_xor(column, mask)
                secret = pc.is_null(rows["value"]) if "value" in rows.column_names else True
                column = pc.if_else(secret, other, column)
            rows = rows.set_column(rows.schema.get_field_index(name), name, column)
        found[table.name] = rows
    return found
