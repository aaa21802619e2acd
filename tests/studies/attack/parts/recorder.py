"""The recorder's matrix: secrets in every place and writing of an exchange; none is in the store.

A secret is disclosed to the recorder in the exchange itself, or in an earlier one of somebody else.
The exchanges are stored, and the store's file is searched.
"""

import random
import string
import tempfile
import uuid
from collections.abc import Callable, Iterator
from itertools import batched, product
from pathlib import Path
from typing import Final, NamedTuple

from statetrail.dialects import select
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.store.sqlite import SqliteStore
from studies.attack.exchange_places import DISCLOSED, PLACES, Draft
from studies.attack.markers import WRITINGS, left, name_token, token, word
from studies.attack.outcome import Outcome

KINDS: Final[dict[str, Callable[[random.Random], str]]] = {
    "token": token,
    "name": name_token,
    "word": word,
    "number": lambda draw: str(draw.randrange(10**8, 10**9)),
    "uuid": lambda draw: str(uuid.UUID(int=draw.getrandbits(128), version=4)),
    "letters": lambda draw: "".join(draw.choices(string.ascii_letters, k=15)),
}
WRAPPINGS: Final = ("{}", "App/1.0 ({}) x", "abc{}xyz", "a/{}", "token={}", "{}{}")
ELSEWHERE: Final = "another exchange"
HERE: Final = "the same exchange"
BATCH: Final = 500


class Cell(NamedTuple):
    """One exchange: what it has where."""

    place: str
    writing: str
    wrapping: str


class Secret(NamedTuple):
    """A secret, and how the recorder comes to know it."""

    kind: str
    value: str
    disclosed: str
    where: str


def secrets(draw: random.Random, disclosed: str) -> Iterator[Secret]:
    """One secret of each kind, of this and of another exchange."""
    for where in (ELSEWHERE, HERE):
        for kind, make in KINDS.items():
            yield Secret(kind, make(draw), disclosed, where)


def facts(secret: Secret, cell: Cell, config: ExtractorConfig, number: int) -> ExchangeFacts:
    """What the recorder keeps of one cell."""
    draft = Draft(flow_id=f"{secret.kind}-{number}")
    text = cell.wrapping.replace("{}", WRITINGS[cell.writing](secret.value))
    PLACES[cell.place](draft, text)
    if secret.where == HERE:
        DISCLOSED[secret.disclosed](draft, secret.value)
    return extract(draft.made(), config)


def attack(secret: Secret, cells: list[Cell], config: ExtractorConfig, folder: Path) -> list[Cell]:
    """The cells after which the secret is in the store."""
    store_path = folder / "s.sqlite"
    for each in folder.glob("s.sqlite*"):
        each.unlink()
    found: list[Cell] = []
    with SqliteStore.create_or_open(store_path, key=folder / "key") as store:
        if secret.where == ELSEWHERE:
            draft = Draft()
            DISCLOSED[secret.disclosed](draft, secret.value)
            store.append(extract(draft.made(), config))
        for batch in batched(enumerate(cells), BATCH, strict=False):
            kept = [(cell, facts(secret, cell, config, number)) for number, cell in batch]
            store.append_many(each for _, each in kept)
            found += [cell for cell, each in kept if left(secret.value, repr(each).encode())]
    if not found and left(secret.value, store_path.read_bytes()):
        found.append(Cell("?", "?", "?"))
    return found


def cells() -> list[Cell]:
    """Every place, writing and wrapping."""
    return [Cell(*each) for each in product(PLACES, WRITINGS, WRAPPINGS)]


def run(seed: int) -> Outcome:
    """Every cell with every secret; prints a table of the disclosures."""
    outcome, draw, every = Outcome(), random.Random(seed), cells()
    print(f"{len(PLACES)} places × {len(WRITINGS)} writings × {len(WRAPPINGS)} wrappings")
    print(f"{'disclosed as':20} {'secrets':>8} {'cells':>9} {'left':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = extractor(folder)
        for disclosed in DISCLOSED:
            found = {each: attack(each, every, config, folder) for each in secrets(draw, disclosed)}
            lines = [f"{each}: {', '.join(cell)}" for each, some in found.items() for cell in some]
            tried = len(found) * len(every)
            print(f"{disclosed:20} {len(found):8} {tried:9,} {len(lines):6}", flush=True)
            outcome.tried += tried
            outcome.wrong += lines
    print(f"raw secrets in the store: {len(outcome.wrong)} of {outcome.tried:,} cells")
    return outcome


def extractor(folder: Path) -> ExtractorConfig:
    """An extractor whose key is that of the stores to be."""
    key = folder / "key"
    key.touch(0o600)
    key.write_text(bytes(range(32)).hex())
    with SqliteStore.create_or_open(folder / "first.sqlite", key=key) as store:
        return ExtractorConfig(select(), store.fingerprinter, client_header="x-device")
