"""Where a secret can be in an exchange that is recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, quote_plus

from statetrail.extract.records import Exchange, Request, Response

AT: Final = 1_700_000_000_000_000


@dataclass(slots=True)
class Draft:
    """An exchange to be."""

    path: bytes = b"/API/V3/Cart"
    query: list[bytes] = field(default_factory=list)
    fragment: bytes = b""
    asked: list[tuple[bytes, bytes]] = field(default_factory=list)
    answered: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    status: int = 200
    flow_id: str = "f-1"
    error: str | None = None
    request: dict[str, Any] = field(default_factory=dict)

    def made(self) -> Exchange:
        """The exchange."""
        target = self.path + (b"?" + b"&".join(self.query) if self.query else b"")
        about: dict[str, Any] = {
            "method": "GET", "scheme": "https", "host": "shop.example", "port": 443,
            "target": target + self.fragment, "headers": tuple(self.asked),
            "http_version": "HTTP/1.1", "start_us": AT, "peer": "192.0.2.7",
        } | self.request  # fmt: skip
        answered = tuple(self.answered)
        response = Response(self.status, answered, AT + 1, AT + 2, self.body, len(self.body))
        return Exchange(self.flow_id, Request(**about), response, self.error)


type Place = Callable[[Draft, str], None]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _asked(name: bytes, before: bytes = b"", behind: bytes = b"") -> Place:
    return lambda draft, text: draft.asked.append((name, before + _raw(text) + behind))


def _answered(name: bytes, before: bytes = b"", behind: bytes = b"") -> Place:
    return lambda draft, text: draft.answered.append((name, before + _raw(text) + behind))


def _request(name: str, before: str = "", behind: str = "") -> Place:
    return lambda draft, text: draft.request.update({name: f"{before}{text}{behind}"})


def _path(before: bytes, behind: bytes = b"") -> Place:
    def place(draft: Draft, text: str) -> None:
        draft.path += before + _raw(text) + behind

    return place


def _set(name: str, wrap: Callable[[str], Any] = str) -> Place:
    return lambda draft, text: setattr(draft, name, wrap(text))


def _redirect(draft: Draft, text: str) -> None:
    draft.status = 302
    draft.answered.append((b"Location", b"/API/V3/" + _raw(text) + b"/x?y=" + _raw(text)))


PLACES: Final[dict[str, Place]] = {
    "segment": _path(b"/"),
    "segment in the middle": _path(b"/", b"/state"),
    "within a segment": _path(b"/a", b"b"),
    "matrix parameter": _path(b";sid=", b"/x"),
    "behind a person": _path(b"/customers/"),
    "many segments": _path(b"/x" * 20 + b"/"),
    "name in the query": lambda draft, text: draft.query.append(_raw(text) + b"=1"),
    "value in the query": lambda draft, text: draft.query.append(b"other=" + _raw(text)),
    "fragment": _set("fragment", lambda text: b"#" + _raw(text)),
    "method": _request("method"),
    "scheme": _request("scheme"),
    "host": _request("host"),
    "label of a host": _request("host", "", ".shop.example"),
    "version": _request("http_version", "HTTP/"),
    "peer": _request("peer"),
    "proxy user": _request("proxy_user"),
    "agent": _asked(b"User-Agent"),
    "product": _asked(b"User-Agent", b"Mozilla/5.0 ", b"/1.0"),
    "version of a product": _asked(b"User-Agent", b"Shop/"),
    "comment of an agent": _asked(b"User-Agent", b"Shop/1.0 (", b"; x86_64)"),
    "origin": _asked(b"Origin", b"https://", b".example"),
    "port of an origin": _asked(b"Origin", b"https://shop.example:"),
    "referer": _asked(b"Referer", b"https://shop.example/"),
    "header of the client": _asked(b"X-Device"),
    "another header": _asked(b"X-Other"),
    "name of a header": lambda draft, text: draft.asked.append((b"X-" + _raw(text), b"1")),
    "destination": _asked(b"Sec-Fetch-Dest"),
    "value that may be clear": _asked(b"X-LangId"),
    "issued in clear": _answered(b"X-Set-CurrId", b"", b";header/forced"),
    "unknown parameter": lambda draft, text: draft.answered.append(
        (b"X-Set-" + _raw(text), b"1;header/forced")
    ),
    "usage": _answered(b"X-Set-LocId", b"1;", b"/forced"),
    "exposed": _answered(b"Access-Control-Expose-Headers", b"X-Set-LangId, "),
    "exposed parameter": _answered(b"Access-Control-Expose-Headers", b"X-Set-"),
    "directive": _answered(b"Cache-Control", b"no-store, private="),
    "seconds": _answered(b"Cache-Control", b"max-age="),
    "age": _answered(b"Age"),
    "redirect": _redirect,
    "type": _answered(b"Content-Type", b"text/xml; charset="),
    "coding": _answered(b"Content-Encoding"),
    "id of the flow": _set("flow_id"),
}

DISCLOSED: Final[dict[str, Place]] = {
    "ticket": _asked(b"X-Ticket"),
    "token in the query": lambda draft, text: draft.query.append(
        b"_session_token=" + quote_plus(text).encode()
    ),
    "ticket in the query": lambda draft, text: draft.query.append(
        b"Ticket=" + quote(text, safe="").encode()
    ),
    "issued": _answered(b"X-Set-Ticket", b"", b";header/forced"),
    "malformed": _answered(b"X-Set-Ticket", b"header/forced;"),
    "unknown": _answered(b"X-Set-Unheard", b"", b";header/forced"),
    "body": _set("body", lambda text: b'<rsp session="' + _raw(text) + b'"/>'),
}
