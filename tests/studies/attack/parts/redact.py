"""The redact matrix: secrets in every place and writing of a capture; none is left in its copy.

A marker is one of three: a token seen nowhere else; one that another exchange presents as its
ticket, before or behind; and a word that another exchange presents. Copies are made with and
without bodies. A copy has as many exchanges as the capture.
"""

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mitmproxy.flow import Flow

from statetrail.dialects import builtin
from statetrail.errors import CaptureError
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.ingest.captures import captures_in
from statetrail.ingest.redact.run import redact
from statetrail.ingest.skipped import ReadReport
from studies.attack import flow_places, har_places
from studies.attack.markers import left, name_token, token, word, writings
from studies.attack.outcome import Outcome
from support.flowfiles import flow_file
from support.hars import entry, har, headers

KINDS: Final = ("token", "known token", "known word")

type Make = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Cell:
    """One marker: where it is, how it is written, what it is."""

    placement: str
    writing: str
    kind: str
    marker: str
    planted: object


def cells(placement: str, make: Make, draw: random.Random, *, names: bool) -> Iterator[Cell]:
    """The cells of one placement."""
    for writing, write in writings(names):
        for kind in KINDS:
            marker = word(draw) if kind == "known word" else (name_token if names else token)(draw)
            yield Cell(placement, writing, kind, marker, make(write(marker)))


def har_file(planted: list[Cell]) -> bytes:
    """A HAR file of these cells; tickets are presented before and behind them in turn."""
    tickets = [
        entry(request__headers=headers(("X-Ticket", cell.marker)))
        for cell in planted
        if cell.kind != "token"
    ]
    return har(*tickets[::2], *(cell.planted for cell in planted), *tickets[1::2])


def mitmproxy_file(planted: list[Cell]) -> bytes:
    """The same as a file of mitmproxy."""
    tickets: list[Flow] = []
    for cell in planted:
        if cell.kind != "token":
            flow = flow_places.made()
            flow.request.headers["X-Ticket"] = cell.marker
            tickets.append(flow)
    flows = [cell.planted for cell in planted]
    return flow_file(*tickets[::2], *flows, *tickets[1::2])  # type: ignore[arg-type]


FORMATS: Final = {
    "HAR": (har_places.PLACES, har_places.NAME_PLACES, har_file),
    "flows": (flow_places.PLACES, flow_places.NAME_PLACES, mitmproxy_file),
}


def exchanges(capture: Path) -> int:
    """The number of exchanges that an import reads."""
    (part,) = captures_in(capture)
    with part.open() as source:
        return sum(1 for _ in part.format.exchanges(source, ReadReport(), Fingerprinter(bytes(16))))


def attack(
    planted: list[Cell], content: bytes, folder: Path, *, bodies: bool
) -> Iterator[tuple[Cell, str]]:
    """The cells whose marker is left in the copy, and why."""
    source, target = folder / "capture", folder / "copy"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    try:
        redact(source, target, tuple(builtin().values()), bytes(range(32)), bodies=bodies)
    except CaptureError as error:
        yield planted[0], str(error)
        return
    if exchanges(source) != exchanges(target):
        yield planted[0], "the copy has not the exchanges of the capture"
    copy = target.read_bytes()
    for cell in planted:
        if left(cell.marker, copy):
            yield cell, "left in the copy"


def matrix(seed: int) -> Iterator[tuple[str, str, list[Cell], list[str]]]:
    """Each format and placement with its cells, and what went wrong."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for name, (places, name_places, write) in FORMATS.items():
            for some, names in ((places, False), (name_places, True)):
                for placement, make in some.items():
                    planted = list(cells(placement, make, draw, names=names))
                    content = write(planted)
                    wrong = [
                        f"{name}, {placement}, {cell.writing}, {cell.kind}, bodies={bodies}: {why}"
                        for bodies in (False, True)
                        for cell, why in attack(planted, content, Path(folder), bodies=bodies)
                    ]
                    yield name, placement, planted, wrong


def run(seed: int) -> Outcome:
    """Every cell; prints a table of the placements."""
    outcome = Outcome()
    print(f"{'file':6} {'placement':34} {'markers':>8} {'left':>5}")
    for name, placement, planted, wrong in matrix(seed):
        print(f"{name:6} {placement:34} {2 * len(planted):8,} {len(wrong):5}")
        outcome.tried += 2 * len(planted)
        outcome.wrong += wrong
    return outcome
