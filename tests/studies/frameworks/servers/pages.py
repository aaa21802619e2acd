"""A site of somebody else, whose page asks the Django shop for things.

    python -m studies.frameworks.servers.pages PORT LEDGER

An image, a frame, a script's request, a link and a form. The file of the ledger stays empty.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

SHOP: Final = "https://django.test"
_PAGE: Final = f"""<!doctype html><title>news</title><h1>news</h1>
<img src="{SHOP}/pixel.gif" alt="">
<iframe src="{SHOP}/"></iframe>
<a id="link" href="{SHOP}/cart">the shop</a>
<form id="form" method="post" action="{SHOP}/cart"><input name="item" value="9"></form>
<script>fetch("{SHOP}/cart", {{mode: "no-cors", credentials: "include"}})</script>
""".encode()


class News(BaseHTTPRequestHandler):
    """One page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), News).serve_forever()
