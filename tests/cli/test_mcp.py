"""`statetrail mcp`, driven by the protocol's own client over standard input and output."""

import asyncio
import json
import re
from pathlib import Path

from mcp import Client, StdioServerParameters

from statetrail.cli.mcp.answers import MAX_CHARACTERS, MAX_ROWS
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.store.sqlite import CaptureCounts, SqliteStore
from support.commands import command, run
from support.shops import START, TOKENS, write_shop

SECRETS = re.compile("|".join([*TOKENS, *(token[::-1] for token in TOKENS), "pl4ntedS3cret9Token"]))
LONG = "x" * 500 + "\x1b[31m\u202e"


def write_store(path: Path) -> Path:
    """The shop, and a client with long names and a secret in every place."""
    write_shop(path)
    secret = b"pl4ntedS3cret9Token"
    with SqliteStore.create_or_open(path) as store:
        config = ExtractorConfig(select(), store.fingerprinter)
        capture = store.begin_capture("live")
        found = []
        for n in range(MAX_ROWS + 50):
            at = START + n * 1_000_000
            asks = (
                *((b"user-agent", f"{LONG} {secret.decode()}".encode()),),
                *((b"authorization", b"Bearer " + secret), (b"cookie", b"sid=" + secret)),
            )
            target = b"/API/V3/" + b"y" * 300 + b"/" + secret + b"?_session_token=" + secret
            request = Request("GET", "https", "shop.example", 443, target, asks, "HTTP/1.1", at, at)
            response = Response(200, ((b"set-cookie", b"sid=" + secret),), at + 9, at + 99, secret)
            found.append(extract(Exchange(f"{n}", request, response), config))
        store.append_many(found)
        store.end_capture(capture, CaptureCounts(exchanges=len(found)))
    return path


def test_an_assistant_asks(tmp_path):
    """Every tool answers, within bounds and without a secret; mistakes are one line; and nothing
    is written."""
    store = write_store(tmp_path / "shop.sqlite")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    answers: list[str] = []

    async def talk() -> None:
        program, *arguments = command("mcp", store)
        async with Client(StdioServerParameters(command=program, args=arguments)) as client:

            async def ask(tool: str, **arguments: object) -> dict:
                done = await client.call_tool(tool, arguments)
                (content,) = done.content
                answers.append(content.text)
                if done.is_error or tool == "explain":
                    return {"text": content.text, "error": bool(done.is_error)}
                return json.loads(content.text)

            tools = (await client.list_tools()).tools
            assert all(tool.annotations.read_only_hint and tool.description for tool in tools)

            summary = await ask("audit_summary")
            assert summary["exchanges"] == 28 + MAX_ROWS + 50
            assert summary["compliance"]["judged"] > 0
            assert {"action", "question", "expiry"} <= {
                key for row in summary["data"] for key in row
            }

            findings = await ask("list_findings", severity="high", client="stubborn")
            stale = next(row for row in findings["data"] if row["rule"] == "stale-value")
            assert {row["severity"] for row in findings["data"]} == {"high"}
            assert (await ask("list_findings", rule="stale-value", limit=1))["rows"] == 1

            exchange = await ask("get_exchange", exchange_id=stale["evidence"][0])
            assert exchange["exchange"]["user_agent"] == "stubborn/1"
            faults = [row for row in exchange["data"] if row["table"] == "verdicts"]
            assert "stale" in {row["verdict"] for row in faults}

            tables = {row["table"]: row for row in (await ask("list_tables"))["data"]}
            assert {"exchanges", "verdicts", "sessions", "findings"} <= tables.keys()
            for name in tables:
                assert (await ask("read_table", table=name, limit=5))["table"] == name
            whole = await ask("read_table", table="exchanges", limit=10**9)
            assert (whole["total"], whole["cut_from"]) == (28 + MAX_ROWS + 50, MAX_ROWS)
            some = await ask(
                *("read_table",),
                table="verdicts",
                columns=["verdict", "param", "request_start_us"],
                equal={"fault": "true", "param": "LangId"},
            )
            assert some["rows"] == some["total"] > 0
            assert {tuple(row) for row in some["data"]} == {("verdict", "param", "request_start")}

            row = (await ask("read_table", table="sessions", equal={"tokens": "1"}))["data"][0]
            session = await ask("get_session", session=row["session_fingerprint"])
            assert session["data"][0] == {"table": "sessions", **row}
            assert session["rows"] > 1

            assert "older value" in (await ask("explain", name="stale"))["text"]
            assert await ask("reload") == {"reloaded": True}
            for tool, arguments, said in (
                ("read_table", {"table": "verdict"}, "did you mean verdicts?"),
                ("read_table", {"table": "verdicts", "columns": ["x"]}, "unknown column 'x'"),
                ("read_table", {"table": "exchanges", "equal": {"port": "y"}}, "'y' is no value"),
                ("list_findings", {"severity": "worst"}, "'high'"),
                ("get_exchange", {"exchange_id": 10**30}, ""),
                ("get_session", {"session": "~zzzz"}, "'~zzzz' is no value"),
                ("explain", {"name": "../../secret"}, "unknown name"),
            ):
                mistake = await ask(tool, **arguments)
                assert mistake["error"], tool
                assert said in mistake["text"]

    asyncio.run(talk())
    said = "\n".join(answers)
    assert not SECRETS.search(said)
    assert "\x1b" not in said
    assert "u202e" not in said
    assert max(map(len, answers)) <= MAX_CHARACTERS + 200
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_store_that_is_missing_is_one_line(tmp_path):
    """Before anything is said to the assistant."""
    done = run("mcp", tmp_path / "none.sqlite")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
