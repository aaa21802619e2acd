"""Real servers, a real mitmdump and real clients, held against the tool: ``make frameworks``.

Prints a table of the dialects, one of the lifetimes, one of the sessions; exits 1 where one of them
is not as wanted, 2 where a program is missing. ``--keep`` leaves the recording and mitmproxy's flow
file in a folder, ``--again`` judges those of an earlier run by the version at hand, ``--only``
takes one server.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from studies.frameworks.clients.catalogue import CLIENTS
from studies.frameworks.clients.label import Client
from studies.frameworks.judging import Result, judge
from studies.frameworks.servers.catalogue import BY_NAME, PROGRAMS, SERVERS, Server
from studies.frameworks.servers.ledger import CLIENT_HEADER
from studies.frameworks.servers.lifetimes import PACE
from studies.frameworks.traffic import Traffic, drive
from support.proxy import BIN

_SHOWN: int = 40


def missing(servers: Sequence[Server], clients: Sequence[Client]) -> list[str]:
    """The packages that have to be installed for these."""
    needs = [package for server in servers for package in server.missing()]
    programs = {client.program for client in clients}
    needs += [n.package for name, n in PROGRAMS.items() if name in programs and not n.there()]
    return list(dict.fromkeys(needs))


def show(result: Result, console: Console) -> None:
    """The tables."""
    head = ("dialect", "verdicts", "obedient", "blamed", "planted", "found", "reason", "beyond")
    table = Table(*head, title="Dialects")
    for name, line in result.dialects.items():
        counts = (line.rows, len(line.obedient), line.blamed, line.planted, line.found)
        counts = *counts, line.right_reason, line.beyond
        table.add_row(name, *(map(str, counts) if line.built_in else ["not built in"]))
    console.print(table)
    table = Table("host", "parameter", "configured", "measured", "policy", "", title="Lifetimes")
    for one in result.lifetimes:
        true = one.configured
        ends = ("-" if end is None else f"{end:.1f}" for end in (one.low_s, one.high_s))
        configured = f"{true.kind} {true.seconds:g} to {true.seconds + true.slack_s:g} s"
        parameter = f"{true.dialect}: {true.param}"
        mark = "·" if one.right else "wrong"
        table.add_row(one.host, parameter, configured, " to ".join(ends), one.policy, mark)
    console.print(table)
    table = Table("server", "sessions begun", "seen", "ended", "clients that differ")
    for each in result.sessions:
        ended = ", ".join(f"{count} {why}" for why, count in each.ended.items())
        differing = "; ".join(each.differing[:4]) or "·"
        table.add_row(each.server, str(each.begun), str(each.seen), ended, differing)
    console.print(table)
    wrong = [f"{name}: {text}" for name, line in result.dialects.items() for text in line.wrong]
    for text in wrong[:_SHOWN]:
        console.print(text, markup=False, highlight=False)
    if len(wrong) > _SHOWN:
        console.print(f"and {len(wrong) - _SHOWN} more")


def again(folder: Path, scratch: Path, dialects: str) -> Traffic:
    """The flows that an earlier run kept, imported by the version at hand."""
    kept = Traffic(folder)
    made = Traffic(scratch, ledgers=folder)
    command = [
        *(str(BIN / "statetrail"), "import", str(kept.flows), "--store", str(made.store)),
        *("--client-header", CLIENT_HEADER, "--clear", "client-header", "--dialects", dialects),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


def main() -> int:
    """Start, drive, stop, compare, print."""
    parser = argparse.ArgumentParser(prog="studies.frameworks.run", description=__doc__)
    parser.add_argument("--only", choices=list(BY_NAME), action="append", help="only this server")
    parser.add_argument(
        "--keep", type=Path, help="leave the recording and the flows in this folder"
    )
    parser.add_argument("--again", type=Path, help="judge the flows that --keep has left there")
    parser.add_argument("--dialects", default="all", help="as of `statetrail record`")
    options = parser.parse_args()
    servers = [server for server in SERVERS if not options.only or server.name in options.only]
    clients = [client for client in CLIENTS if BY_NAME[client.server] in servers]
    visited = dict.fromkeys(name for client in clients for name in client.also)
    servers += [BY_NAME[name] for name in visited if BY_NAME[name] not in servers]
    console, start = Console(width=160), time.perf_counter()
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        if options.again:
            if (pace := Traffic(options.again).pace.read_text()) != str(PACE):
                print(f"these flows were made with PACE={pace}: name it", file=sys.stderr)
                return 2
            traffic = again(options.again, Path(scratch), options.dialects)
        elif absent := missing(servers, clients):
            print(f"install {', '.join(absent)}, or choose servers by --only", file=sys.stderr)
            return 2
        else:
            folder = options.keep or Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            if Traffic(folder).files():
                print(f"{folder} has a recording already: name another folder", file=sys.stderr)
                return 2
            traffic, failures = asyncio.run(drive(servers, clients, folder, options.dialects))
        for name, error in failures.items():
            console.print(f"{name} failed: {error}", markup=False, highlight=False)
        result = judge(traffic, servers, clients)
    show(result, console)
    console.print(f"{len(clients)} clients, {time.perf_counter() - start:.0f} s")
    return 0 if result.right and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
