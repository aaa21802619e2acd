"""Mutated inputs of each kind, given to the commands that read them: no traceback and no hang.

A command that meets one ends by itself within `LIMIT_S`, with one of the exit codes it has, and
says what is wrong in one line of its own: neither a traceback nor the last handler's line, which
names no cause. It takes less than 1 GiB. `INPUTS=30000` sets how many there are together.
"""

import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from studies.attack import mutate
from studies.attack.outcome import Outcome
from support.commands import run as run_command
from support.commands import run_program
from support.flowfiles import flow_file
from support.hars import entry, har
from support.shops import write_shop

LIMIT_S: Final = 10
MAX_BYTES: Final = 1 << 30
ONE_WORKER: Final = 200
"""Inputs that one process takes; what they leave in memory ends with it."""
CODES: Final = (0, 1, 2)
FAULT: Final = "a fault of statetrail itself"

type Make = Callable[[random.Random, Path], list[list[object]]]
"""Makes a mutant in a folder; returns the commands that read it, each if the one before could."""


def makers(good: Path) -> dict[str, Make]:
    """For each kind of input what makes a command with a mutant, from the good ones in a folder."""
    base = write_shop(good / "shop.sqlite")
    # Not in this process: the threads of libraries do not live on in its workers.
    assert run_program("audit", base, "--json", good / "a.json").code == 0
    assert run_program("export", base, "--to", good / "dataset").code == 0
    har_bytes = har(*(entry(time=10 + n) for n in range(4)))
    from studies.attack import flow_places

    flow_bytes = flow_file(*(flow_places.made() for _ in range(4)))
    toml = {
        "--profile": b'name = "mine"\nidle_max_s = 900\nage_max_s = 3600\nbits_min = 64\n',
        "--suppress": b'[[suppress]]\nrule = "stale-value"\nreason = "x"\nuntil = 2030-01-01\n',
        "--dialects": (BUILTIN / "zest.toml").read_bytes(),
    }

    def captured(name: str, content: bytes, change: Callable[..., bytes]) -> Make:
        def make(draw: random.Random, folder: Path) -> list[list[object]]:
            (folder / name).write_bytes(change(content, draw))
            store = folder / "new.sqlite"
            return [["import", folder / name, "--store", store], ["show", store, "verdicts"]]

        return make

    def sqlite(draw: random.Random, folder: Path) -> list[list[object]]:
        bad = folder / "bad.sqlite"
        mutate.store(base, bad, draw)
        table = draw.choice(("exchanges", "issued", "presented", "captures", "verdicts", "tokens"))
        commands: tuple[list[object], ...] = (
            ["audit", bad],
            ["show", bad, table, "--format", draw.choice(("table", "csv", "json"))],
            ["watch", bad, "--seconds", "0"],
            ["export", bad, "--to", folder / "out"],
            ["prune", bad, "--older-than", "1d"],
        )
        return [draw.choice(commands)]

    def parquet(draw: random.Random, folder: Path) -> list[list[object]]:
        dataset = folder / "dataset"
        shutil.copytree(good / "dataset", dataset)
        file = draw.choice(sorted(each for each in dataset.rglob("*") if each.is_file()))
        change = mutate.text if file.suffix == ".json" else mutate.damaged
        file.write_bytes(change(file.read_bytes(), draw))
        return [["show", dataset, draw.choice(("exchanges", "issued", "verdicts"))]]

    def settings(draw: random.Random, folder: Path) -> list[list[object]]:
        option = draw.choice(sorted(toml))
        (folder / "x.toml").write_bytes(mutate.text(toml[option], draw))
        if option == "--dialects":
            return [["show", base, "issued", option, folder / "x.toml"]]
        return [["compare", good / "a.json", good / "a.json", option, folder / "x.toml"]]

    def baseline(draw: random.Random, folder: Path) -> list[list[object]]:
        (folder / "b.json").write_bytes(mutate.text((good / "a.json").read_bytes(), draw))
        return [["compare", folder / "b.json", good / "a.json"]]

    return {
        "flows": captured("x.flows", flow_bytes, mutate.flow),
        "HAR": captured("x.har", har_bytes, mutate.text),
        "SQLite": sqlite,
        "Parquet": parquet,
        "TOML": settings,
        "baseline": baseline,
    }


BUILTIN: Final = Path(__file__).parents[4] / "analysis" / "statetrail" / "dialects" / "builtin"


def _work(make: Make, seeds: list[int], folder: Path, to: Connection) -> None:
    """Run the command of each seed; reports what went wrong with it, or an empty text."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        commands = make(random.Random(seed), place)
        to.send("")  # the mutant is made: the time begins
        wrong = ""
        for arguments in commands:
            try:
                done = run_command(*arguments)
            except BaseException as error:
                wrong = f"{arguments[0]}: traceback ({type(error).__name__})"
                break
            if done.code not in CODES or "Traceback" in done.err:
                wrong = f"{arguments[0]}: exit code {done.code}"
            elif FAULT in done.err:
                wrong = f"{arguments[0]}: {done.err.strip()}"
            if done.code != 0:
                break
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        if grown > MAX_BYTES:
            wrong = wrong or f"{grown >> 20} MiB"
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        shutil.rmtree(place)
        to.send(wrong)


def _tried(make: Make, seeds: list[int], folder: Path) -> Iterator[tuple[int, str]]:
    """Each seed, and what went wrong; a process that hangs is ended, and another one goes on."""
    context = multiprocessing.get_context("fork")
    left = list(seeds)
    while left:
        ours, theirs = context.Pipe()
        worker = context.Process(target=_work, args=(make, left[:ONE_WORKER], folder, theirs))
        worker.start()
        theirs.close()
        for seed in left[:ONE_WORKER]:
            left.remove(seed)
            try:
                ours.recv()
                if not ours.poll(LIMIT_S):
                    yield seed, f"hangs for {LIMIT_S} s"
                    break
                yield seed, ours.recv()
            except EOFError:
                yield seed, "ended the process"
                break
        if worker.is_alive():
            worker.join(1)
            worker.kill()
        worker.join()


def run(seed: int) -> Outcome:
    """As many of each kind; prints a table of the kinds."""
    outcome = Outcome()
    inputs = int(os.environ.get("INPUTS", "3000"))
    print(f"{'input':9} {'tried':>7} {'tracebacks':>11} {'hangs':>6} {'other':>6} {'s':>6}")
    with tempfile.TemporaryDirectory() as folder:
        good = Path(folder, "good")
        good.mkdir()
        kinds = makers(good)
        for number, (name, make) in enumerate(kinds.items()):
            start, wrong = time.monotonic(), Counter[str]()
            first = (seed * len(kinds) + number) * 10_000_000
            seeds = list(range(first, first + inputs // len(kinds)))
            for one, problem in _tried(make, seeds, Path(folder)):
                outcome.tried += 1
                if problem:
                    kind = next((k for k in ("traceback", "hangs") if k in problem), "other")
                    wrong[kind] += 1
                    outcome.wrong.append(f"{name} {one}: {problem}")
            print(
                f"{name:9} {len(seeds):7,} {wrong['traceback']:11} {wrong['hangs']:6} "
                f"{wrong['other']:6} {time.monotonic() - start:6.0f}",
                flush=True,
            )
    return outcome
