"""Whether the recorder really records: a mitmdump on the loopback address, and one request.

mitmproxy runs on without an addon that it cannot load, and reports that in its log only.
"""

import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from statetrail.doctor.check import Check, ok, wrong
from statetrail.errors import StatetrailError, StoreError
from statetrail.proxy.blocking import recording
from statetrail.proxy.processes import last_line
from statetrail.store.file_header import read_only

SUBJECT: Final = "recorder"
LOADING_S = 20.0
"""How long mitmdump may take to load the recorder after it listens."""
_PATIENCE_S: Final = 60
_BODY: Final = b"statetrail doctor"


def check_recorder() -> Check:
    """Start the recorder, send one request through it, and look for it in the store."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="statetrail-doctor-") as name:
        folder = Path(name)
        store, log = folder / "doctor.sqlite", folder / "mitmdump.log"
        options = {
            "statetrail_store": str(store),
            "statetrail_forget_key": "on",
            "confdir": str(folder / "mitmproxy"),
        }
        try:
            with _service() as upstream, recording([upstream], options, log) as (port,):
                # mitmproxy may open its ports before it has loaded the addon.
                deadline = time.monotonic() + LOADING_S
                while not store.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                _request(f"http://127.0.0.1:{port}/")
                recorded = _recorded(store)
        except StatetrailError as error:
            return wrong(SUBJECT, str(error), page="recorder")
        except OSError as error:
            return wrong(
                SUBJECT,
                f"no request passes through mitmdump ({type(error).__name__})",
                page="recorder",
            )
        if not recorded:
            return wrong(
                SUBJECT,
                f"mitmdump runs without the recorder: {last_line(log)[:300]}",
                page="recorder",
            )
    seconds = time.monotonic() - started
    return ok(SUBJECT, f"mitmdump loaded it, and it recorded a request, in {seconds:.1f} s")


@contextmanager
def _service() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(_BODY)))
            self.end_headers()
            self.wfile.write(_BODY)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _request(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_PATIENCE_S) as answer:
        if answer.read() != _BODY:
            raise StatetrailError("mitmdump changed the response of a request")


def _recorded(store: Path) -> bool:
    """Whether the exchange is there: it is committed before its response is released."""
    try:
        with read_only(store) as db:
            return bool(db.execute("SELECT count(*) FROM exchanges").get)
    except StoreError:
        return False
