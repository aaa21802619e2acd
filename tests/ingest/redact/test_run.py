"""Redacted copies: no secret is in them, and they tell the same story."""

import json
import urllib.parse
import zipfile
from pathlib import Path

import pytest
from mitmproxy.http import Headers
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import tflow
from typer.testing import CliRunner

import statetrail as st
from statetrail.cli import app
from statetrail.ingest.redact import fields
from statetrail.store.reader import read_store
from support.hars import entry, headers, write_har

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
    assert copies[0].request.headers.get_all("cookie") != []
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


def test_the_attributes_of_a_cookie_stay(tmp_path):
    """Lifetime, scope and flags, and a deletion; a path with a token in it does not."""
    fields = (
        f"sid={SECRETS['cookie']}; Path=/shop; Max-Age=1800; Secure; HttpOnly; SameSite=Lax",
        f"cart={SECRETS['ticket']}; Domain=shop.example; Expires=Wed, 01 May 2024 11:00:00 GMT",
        f"old={SECRETS['proxy']}; Path=/{SECRETS['token']}",
        "sid=deleted; Path=/shop; Max-Age=0",
    )
    source, out = tmp_path / "a.har", tmp_path / "b.har"
    answers = [
        entry(
            "https://shop.example/shop/x",
            startedDateTime=f"2024-05-01T10:00:0{at}.000Z",
            issued=[("Set-Cookie", field), ("Date", f"Wed, 01 May 2024 10:00:0{at} GMT")],
        )
        for at, field in enumerate(fields)
    ]
    write_har(source, *answers)
    invoke("redact", str(source), "--out", str(out))
    stories = []
    for capture in (source, out):
        story(tmp_path, capture)
        rows = read_store(tmp_path / f"{capture.name}.sqlite").table("issued").to_pylist()
        names = ("param", "kind", "declared_s", "cookie_domain", "cookie_path", "cookie_flags")
        stories.append([tuple(row[name] for name in names) for row in rows if row["param"] != "x"])
    kept = [row for row in stories[1] if row[0] != "old"]
    assert kept == [row for row in stories[0] if row[0] != "old"]
    assert {row[1:3] for row in kept if row[0] in ("sid", "cart")} >= {(None, 1800), ("void", 0)}
    assert all(secret not in out.read_text("utf-8") for secret in SECRETS.values())


def test_nothing_is_overwritten(flows):
    """The copy has to be a new file."""
    ran = CliRunner().invoke(app, ["redact", str(flows), "--out", str(flows)])
    assert ran.exit_code == 2


TRUTH = Path(__file__).parents[2] / "analyses/conformance/truth"


def facts(store: Path, capture: Path) -> dict[str, list[object]]:
    """All that is known of a capture, fingerprints by their first appearance."""
    invoke("import", str(capture), "--store", str(store))
    recording, seen = st.open(store), {}
    read = read_store(store)
    told: dict[str, list[object]] = {
        name: [
            {
                column: seen.setdefault(value, len(seen))
                if "fingerprint" in column
                else "~"  # the name of a name that is no name
                if str(value).startswith("~")
                else value
                for column, value in row.items()
            }
            for row in read.table(name).to_pylist()
        ]
        for name in ("issued", "presented")
    }
    own = ("flow_id", "path", "peer", "user_agent", "capture_id", "source", "response_bytes")
    told["exchanges"] = [
        {column: value for column, value in row.items() if column not in own}
        for row in read.table("exchanges").to_pylist()
    ]
    judged = st.verdicts(recording).to_pandas()
    columns = ["exchange_id", "param", "verdict", "reason"]
    told["verdicts"] = judged[columns].astype(str).values.tolist()
    return told


@pytest.mark.parametrize("bodies", [False, True], ids=["without bodies", "with bodies"])
@pytest.mark.parametrize("capture", sorted(TRUTH.iterdir()), ids=lambda path: path.name)
def test_a_copy_tells_what_the_capture_told(capture, bodies, tmp_path):
    """Every exchange, value and verdict; the texts that are masked have another name."""
    out = tmp_path / "copy"
    invoke("redact", str(capture), "--out", str(out), *(["--bodies"] if bodies else []))
    assert facts(tmp_path / "copy.sqlite", out) == facts(tmp_path / "own.sqlite", capture)


ODD = {
    "whole seconds": entry(startedDateTime="2024-05-01T10:00:00Z", time=1),
    "no zone, seven digits": entry(startedDateTime="2024-05-01T10:00:00.1234567"),
    "basic form": entry(startedDateTime="20240501T100000Z"),
    "no timings": entry(timings=...),
    "no response": entry(response=..., _error="net::ERR_CONNECTION_RESET"),
    "aborted": entry(_error="net::ERR_ABORTED"),
    "no body": entry(body=None),
    "no XML": entry(body="{}"),
    "a DTD": entry(body="<!DOCTYPE r [<!ENTITY a 'b'>]><r session='&a;'/>"),
    "cut XML": entry(body="<r session="),
    "broken base64": entry(response__content={"text": "A===", "encoding": "base64", "size": 1}),
    "an address": entry("https://[2001:db8::1]:8443/API/V3/x", _clientAddress="203.0.113.9"),
    "a long path": entry("https://shop.example/API/V3/" + "x/" * 40),
    "masked segments": entry("https://shop.example/API/V3/users/ann/%41b/4f2c9aa1b7e0d3;s=1?q"),
    "repeated": entry(issued=[("X-Set-LangId", "1;header/forced")] * 2),
    "joined": entry(issued=[("X-Set-Ticket", "abc/d;header/forced, efg;header/forced")]),
    "joined, a number": entry(issued=[("X-Set-CurrId", "1;header/forced, 1;header/forced")]),
    "no tail": entry(issued=[("X-Set-Ticket", "SKs5zIHxUPO/ghUx")]),
    "bad tail": entry(issued=[("X-Set-Ticket", "SKs5zIHxUPO;every/where")]),
    "unknown": entry(issued=[("X-Set-Colour", "red shoes;header/forced"), ("X-Set-é", "1")]),
    "other letters": entry(issued=[("X-Set-Ticket", "kök;header/forced")]),
    "redirect": entry(
        response__status=302, issued=[("Location", "/API/V3/a/4f2c9aa1b7e0d3?x=1")]
    ),
    "cross-origin": entry(
        issued=[("Access-Control-Expose-Headers", "X-Set-LangId"), ("Cache-Control", "private")],
        request__headers=headers(("Origin", "https://a.example"), ("Sec-Fetch-Dest", "image")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("side", "field"),
    [
        ("request", ("X-Requested-With", "XMLHttpRequest")),
        ("response", ("X-Frame-Options", "SAMEORIGIN")),
        ("request", ("Cookie", "sid=XMLHttpRequest; to=SAMEORIGIN")),
    ],
    ids=["of scripts", "of frames", "as cookies"],
)
def test_words_that_every_copy_may_have_are_no_secrets(side, field, tmp_path):
    """They look like tokens; a capture with them can be copied, and its copy be verified."""
    fields = {f"{side}__headers": headers(field)}
    frame = headers(("X-Frame-Options", "SAMEORIGIN"))
    capture = write_har(tmp_path / "x.har", entry(**({"response__headers": frame} | fields)))
    invoke("redact", str(capture), "--out", str(tmp_path / "copy.har"))
    assert "SAMEORIGIN" in (tmp_path / "copy.har").read_text() or side == "request"
    invoke("verify", str(tmp_path / "copy.har"), "--capture", str(capture))


@pytest.mark.parametrize("removed", ["[REDACTED]", "########", "tok-***", "xxxxxxxx"])
def test_what_a_sanitiser_replaced_is_no_value_in_the_copy_either(removed, tmp_path):
    """It says nothing there, and no verdict comes of it."""
    url = f"https://shop.example/API/V3/Cart?_session_token={urllib.parse.quote(removed)}"
    body = f'<ResultSet session="{removed}"/>'
    capture = write_har(tmp_path / "a.har", entry(url, body=body), entry(url, body=body, time=999))
    invoke("redact", str(capture), "--out", str(tmp_path / "b.har"))
    told = facts(tmp_path / "b.sqlite", tmp_path / "b.har")
    assert told == facts(tmp_path / "a.sqlite", capture) | {"presented": told["presented"]}
    assert {row["kind"] for row in told["presented"]} == {"placeholder"}
    assert told["verdicts"] == []


def test_captures_of_a_zip_file_stay_apart(flows, tmp_path):
    """Each is a client of its own, and what a flow file says stays in one."""
    source = tmp_path / "x.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.write(flows, "a.flows")
        for name in ("b.har", "c.har"):
            archive.write(write_har(tmp_path / name, entry(f"https://h/{name}")), name)
    invoke("redact", str(source), "--out", str(tmp_path / "copy"))
    before, after = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    told, copied = facts(before, source), facts(after, tmp_path / "copy")
    assert copied["verdicts"] == told["verdicts"]
    assert len(copied["exchanges"]) == len(told["exchanges"]) == 5
    sources = [
        read_store(each).table("exchanges")["source"].to_pylist() for each in (before, after)
    ]
    assert [len(set(each)) for each in sources] == [3, 3]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_copy_of_an_odd_entry_tells_the_same(odd, tmp_path):
    """Whatever is wrong with an entry is wrong with its copy."""
    source, out = write_har(tmp_path / "a.har", odd, entry(), odd), tmp_path / "b.har"
    invoke("redact", str(source), "--out", str(out))
    assert facts(tmp_path / "b.sqlite", out) == facts(tmp_path / "a.sqlite", source)


@pytest.mark.parametrize(
    "content",
    [b"", b"12:30 lunch\n", b"{}", b'{"log":{"entries":[{}]}}', b"GIF89a", b"[1, 2]"],
    ids=["empty", "a note", "JSON", "no exchange", "a picture", "a list"],
)
def test_no_capture_gives_no_copy(content, tmp_path):
    """One line, an exit code, and nothing left in the folder."""
    source = tmp_path / "note.txt"
    source.write_bytes(content)
    ran = CliRunner().invoke(app, ["redact", str(source), "--out", str(tmp_path / "copy")])
    assert ran.exit_code == 2
    assert len(ran.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_a_copy_is_its_owner_s_alone(flows, tmp_path):
    """Others may not even read it."""
    out = tmp_path / "shared.flows"
    invoke("redact", str(flows), "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_secret_of_a_later_exchange_is_not_in_an_earlier_one(tmp_path):
    """A word that turns out to be a ticket: the copy is made again."""
    request = entry(request__headers=headers(("X-Ticket", "wonderful")))
    source = write_har(tmp_path / "a.har", entry("https://x.example/a/wonderful/b"), request)
    out = tmp_path / "b.har"
    invoke("redact", str(source), "--out", str(out))
    assert b"wonderful" not in out.read_bytes()


def test_a_copy_with_a_secret_is_not_kept(tmp_path, monkeypatch):
    """If a mask fails, the search at the end does not."""
    kept = [("x", "yjipILZBeUWxrFq")]
    monkeypatch.setattr(fields.HarmlessFields, "of_request", lambda _, given: kept)
    source = write_har(tmp_path / "a.har", entry("https://x.example/?a=yjipILZBeUWxrFq"))
    ran = CliRunner().invoke(app, ["redact", str(source), "--out", str(tmp_path / "b.har")])
    assert ran.exit_code == 2
    assert "yjipILZBeUWxrFq" not in ran.output
    assert [path.name for path in tmp_path.iterdir()] == ["a.har"]


def test_a_token_that_leaks_is_seen_to_leak_in_the_copy(tmp_path):
    """In each place of a request to another origin."""
    token, other = "tok-0123456789ab", "https://ads.example"
    requests = [
        entry(),
        entry(f"{other}/?t={token}", body=""),
        entry(f"{other}/a/{token}/b", body=""),
        entry(f"{other}/a;t={token}", body=""),
        entry(f"{other}/", body="", request__headers=headers(("X-Any", token))),
        entry(f"{other}/", body="", request__headers=headers(("Referer", f"https://a/?t={token}"))),
    ]
    for second, made in enumerate(requests):
        made["startedDateTime"] = f"2024-05-01T10:00:{2 * second:02}.000Z"
    source, out = write_har(tmp_path / "a.har", *requests), tmp_path / "b.har"
    invoke("redact", str(source), "--out", str(out))
    places = []
    for capture in (source, out):
        facts(tmp_path / f"{capture.name}.sqlite", capture)
        leaks = st.leaks(st.open(tmp_path / f"{capture.name}.sqlite")).rows()
        places.append([(leak["exchange_id"], leak["place"]) for leak in leaks])
    assert places[0] == places[1]
    assert {place for _, place in places[0]} == {"query", "path", "header", "referer"}


def test_captures_with_one_key_get_the_same_pseudonyms(tmp_path):
    """So that their copies can be imported together; without it nobody can join them."""
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text("17" * 32)
    source = write_har(tmp_path / "a.har", entry())
    for out, options in (("b", ["--key", str(key)]), ("c", ["--key", str(key)]), ("d", [])):
        invoke("redact", str(source), "--out", str(tmp_path / out), *options)
    contents = [(tmp_path / out).read_bytes() for out in "bcd"]
    assert contents[0] == contents[1] != contents[2]
