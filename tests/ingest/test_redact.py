"""Redacted copies: no secret is in them, and they tell the same story."""

import json
from pathlib import Path

import pytest
from mitmproxy.http import Headers
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import tflow
from typer.testing import CliRunner

from statetrail.cli import app
from statetrail.store.reader import read_store

SECRETS = {
    "token": "yjipILZBeUWxrFq",
    "ticket": "SKs5zIHxUPOghUxku/iafHQNFLUwqey0DB8+",
    "cookie": "4f2c9aa1b7e0d3",
    "bearer": "eyJhbGciOiJIUzI1NiJ9.e30.abc",
    "password": "correct horse",
    "proxy": "proxy-pass-word",
    "key": "AKIA0123456789ABCDEF",
}
BODY = f'<r session="{SECRETS["token"]}"><c/></r>'


def invoke(*arguments: str):
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    return ran


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    """A flow file with a secret in every place that has one."""
    path = tmp_path / "traffic.flows"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for n in range(3):
            flow = tflow.tflow(resp=True)
            at = 1_700_000_000 + n
            flow.request.timestamp_start, flow.request.timestamp_end = at, at + 0.1
            flow.response.timestamp_start, flow.response.timestamp_end = at + 0.2, at + 0.3
            flow.request.path = (
                f"/API/V3/Cart?_session_token={SECRETS['token'] if n else 1}&LangId=1"
            )
            flow.request.headers = Headers(
                host="shop",
                X_Ticket=SECRETS["ticket"],
                Cookie=f"sid={SECRETS['cookie']}; lang=en",
                Authorization=f"Bearer {SECRETS['bearer']}",
                Referer=f"https://shop/x?api_key={SECRETS['key']}",
            )
            flow.request.text = "user=ann&password=correct+horse"
            flow.response.headers = Headers(
                X_Set_Ticket=SECRETS["ticket"] + ";header/forced", X_Set_LangId="1;header/forced"
            )
            flow.response.text = BODY
            flow.response.encode("gzip")
            flow.metadata["proxyauth"] = ("ann", SECRETS["proxy"])
            writer.add(flow)
    return path


def story(folder: Path, capture: Path) -> list[tuple[object, ...]]:
    """Who presented and issued what when, values by their first appearance."""
    store = folder / f"{capture.name}.sqlite"
    invoke("import", str(capture), "--store", str(store))
    seen: dict[int, int] = {}
    facts = read_store(store)
    return [
        (name, row["exchange_id"], row["param"], seen.setdefault(row["fingerprint"], len(seen)))
        for name in ("issued", "presented")
        for row in facts.table(name).to_pylist()
    ]


def test_a_flow_file_s_copy_has_no_secret_and_the_same_story(flows, tmp_path):
    """Decoded bodies and all; the copy can be read and analysed."""
    out = tmp_path / "shared.flows"
    said = invoke("redact", str(flows), "--out", str(out)).output
    assert "3 exchanges" in said
    with out.open("rb") as file:
        copies = list(FlowReader(file).stream())
    for secret in SECRETS.values():
        assert secret.encode() in flows.read_bytes() or secret in (BODY, "correct horse")
        assert secret.encode() not in out.read_bytes()
        assert secret.replace(" ", "+").encode() not in out.read_bytes()
    assert "cookie" not in copies[0].request.headers
    assert copies[0].request.raw_content is None
    assert story(tmp_path, out) == story(tmp_path, flows)


def test_a_har_file_s_copy_has_no_secret_and_the_same_story(tmp_path):
    """Cookies, post data and texts; what is no text is left out."""
    entries = [
        {
            "startedDateTime": f"2026-01-01T00:00:0{n}.000Z", "time": 20,
            "request": {
                "method": "POST",
                "url": f"https://shop/API/V3/x?_session_token={SECRETS['token'] if n else 1}",
                "headers": [{"name": "X-Ticket", "value": SECRETS["ticket"]}],
                "cookies": [{"name": "sid", "value": SECRETS["cookie"]}],
                "postData": {"text": json.dumps({"password": SECRETS["password"]})},
                "httpVersion": "HTTP/1.1",
            },
            "response": {
                "status": 200, "headers": [], "httpVersion": "HTTP/1.1",
                "content": {"text": BODY, "mimeType": "text/xml", "size": len(BODY)},
            },
        }
        for n in range(2)
    ]  # fmt: skip
    picture = {"text": "AAAA", "encoding": "base64", "mimeType": "image/png"}
    entries.append(entries[0] | {"response": {"status": 200, "headers": [], "content": picture}})
    source, out = tmp_path / "a.har", tmp_path / "b.har"
    source.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}))
    invoke("redact", str(source), "--out", str(out))
    text = out.read_text()
    for name in ("token", "ticket", "cookie", "password"):
        assert SECRETS[name] not in text
    assert "AAAA" not in text
    assert story(tmp_path, out) == story(tmp_path, source)


def test_nothing_is_overwritten(flows):
    """The copy has to be a new file."""
    ran = CliRunner().invoke(app, ["redact", str(flows), "--out", str(flows)])
    assert ran.exit_code == 2
