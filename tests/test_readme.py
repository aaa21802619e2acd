"""The README: its commands and its library example are run, its layout is that of the code."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from studies.documentation import layout
from support.proxy import BIN, free_port, listens, origin, reply, wait_for

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
IMPORT = re.findall(r"`(statetrail import [^`]+)`", README)


@pytest.fixture
def shop(demo_recording, tmp_path) -> Path:
    """A folder with a recording named as in the README."""
    for suffix in ("", ".key"):
        shutil.copy(f"{demo_recording.store}{suffix}", tmp_path / f"shop.sqlite{suffix}")
    return tmp_path


def run(command: str, folder: Path, **options) -> subprocess.Popen[str]:
    """Start a command line in the folder, with this environment's programs first on the path."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"],
        cwd=folder,
        env=os.environ | {"PATH": path},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


def test_the_make_commands_exist():
    """The README names `make demo` and `make test`, and only commands that `make` lists."""
    names = set(re.findall(r"`?make (\w+)`?", README))
    output = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"demo", "test"} <= names
    assert names <= set(re.findall(r"^(\w+)\s", output, re.MULTILINE))


@pytest.mark.parametrize("command", [c for c in COMMANDS if " show " in c or " audit " in c])
def test_a_command_on_a_store_does_what_it_says(shop, command):
    """The commands that read a store succeed, and print or write something."""
    process = run(command, shop)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert printed
    if "--html" in command:
        assert (shop / "audit.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("command", [c for c in COMMANDS if "reverse:" in c or " -s " in c])
def test_a_command_that_records_records(tmp_path, command):
    """Both ways to start the recorder, against an origin on this machine."""
    port = free_port()
    with origin(lambda _, connection: connection.sendall(reply(b"<a session='x'/>"))) as upstream:
        local = f"--mode reverse:http://127.0.0.1:{upstream}"
        command = re.sub(r"--mode \S+", local, command)
        if local not in command:
            command += f" {local}"
        process = run(f"{command} -p {port} --set confdir={tmp_path}/mitmproxy", tmp_path)
        try:
            wait_for(lambda: process.poll() is not None or listens(port), "mitmdump to listen")
            assert httpx.get(f"http://127.0.0.1:{port}/API/V3/x", timeout=30).status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=60)
    assert (tmp_path / "shop.sqlite").exists(), printed
    shown = run("statetrail show shop.sqlite issued --format csv", tmp_path)
    assert "_session_token" in shown.communicate(timeout=120)[0]


def test_the_import_command_imports(shop, tmp_path):
    """The README's import line, with the demo's own recording as the store."""
    (command,) = IMPORT
    har = '{"log": {"version": "1.2", "entries": []}}'
    (tmp_path / "traffic.har").write_text(har, "utf-8")
    with (tmp_path / "flows.mitm").open("wb") as file:
        FlowWriter(file).add(tflow.tflow(resp=True))
    process = run(command, shop)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0, printed
    assert "flows.mitm: 1 exchange" in printed


def test_the_library_example_runs(shop):
    """The ten lines of the library section, run as they stand."""
    (code,) = PYTHON
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        cwd=shop,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (shop / "audit.html").exists()


def test_every_link_of_the_readme_is_real():
    """No link leads nowhere."""
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("https://") or (ROOT / link.partition("#")[0]).exists(), link


def test_the_layout_is_that_of_the_code():
    """`make docs` renews it; every package is in the tree and in the diagram, once."""
    assert layout.renewed(README) == README
    packages = {path.parent.name for path in (ROOT / "analysis/statetrail").glob("*/__init__.py")}
    tree, diagram = layout.layout().split("```mermaid")
    for name in packages:
        assert tree.count(f"  {name}/ ") == 1
        assert re.search(rf"\b{name}\b", diagram)


def test_the_diagram_is_drawn_from_the_contract():
    """Layers from the source of the data on; packages of one layer stand side by side."""
    order = layout.layers(
        '[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["cli", "a : b", "errors"]\n'
    )
    assert order == [["errors"], ["a", "b"], ["cli"]]
    assert layout.diagram(order).splitlines()[1:] == ["  errors --> a & b", "  a & b --> cli"]
