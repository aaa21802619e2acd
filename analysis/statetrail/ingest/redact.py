"""Copies of captures without their secrets: flow files and HAR files.

Enters: a capture file. Leaves: one of the same format in which each secret is the same pseudonym
everywhere, so that an analysis of the copy gives the same results. Secrets are the dialects' secret
values, credentials in header fields (cookies, authorization, keys, tokens), values in queries and
paths that look like tokens, and proxy passwords. Only small text bodies are kept, with the same
secrets replaced.
"""

import hashlib
import html
import json
import re
import string
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mitmproxy.exceptions import FlowReadException
from mitmproxy.http import HTTPFlow, Message
from mitmproxy.io import FlowReader, FlowWriter

from statetrail.dialects import Dialect, Param
from statetrail.errors import CaptureError
from statetrail.extract.text import CREDENTIAL, is_token

MAX_BODY: Final = 1 << 20
MIN_SECRET: Final = 4

# Names that `CREDENTIAL` matches, but whose fields hold no credential.
_HARMLESS: Final = re.compile(
    r"access-control-|www-authenticate|cache|keep-alive|sec-websocket", re.I
)
_SCHEME: Final = re.compile(r"(basic|bearer|digest|negotiate|token|apikey)\s+", re.I)
_PAIR: Final = re.compile(r"([^=;,\s]+)=(\"[^\"]*\"|[^;,]*)")
_STATE: Final = re.compile(r"x-(set-)?(.+)")
_FORM: Final = re.compile(r"[A-Za-z0-9_.~%+\[\]-]+=[^\s<>{}]*")
_MEMBER: Final = re.compile(r'"([^"\\]{1,64})"\s*:\s*"([^"\\]{1,4096})"')
_ATTRIBUTES: Final = frozenset(
    ["path", "expires", "max-age", "domain", "samesite", "httponly", "secure", "partitioned"]
)


class Redactor:
    """Replaces secrets by pseudonyms of the same length and character classes.

    Finds the secrets of each exchange (`learn`), then replaces them in any text (`text`).
    """

    def __init__(self, dialects: Iterable[Dialect], key: bytes) -> None:
        dialects = tuple(dialects)
        self._params = {p.name.lower(): p for d in reversed(dialects) for p in d.params}
        self._key = key
        self._patterns = [
            re.compile(pattern)
            for dialect in dialects
            for param in dialect.params
            for place in dialect.issued_at(param.name)
            if (pattern := place.pattern(param.name)) is not None
        ]
        self._pseudonyms: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    @property
    def secrets(self) -> int:
        """Number of secrets so far."""
        return len(self._pseudonyms)

    def learn(self, url: str, headers: Iterable[tuple[str, str]], *bodies: str) -> None:
        """Find the secrets of one exchange, in its URL, its header fields and its bodies."""
        try:
            parts = urllib.parse.urlsplit(url)
        except ValueError:
            parts = urllib.parse.urlsplit("")
        self._fields(parts.query)
        for segment in parts.path.split("/"):
            if is_token(plain := urllib.parse.unquote(segment)):
                self._add(plain)
        if parts.password:
            self._add(urllib.parse.unquote(parts.password))
        for name, value in headers:
            self._header(name.lower(), value)
        for body in bodies:
            if _FORM.fullmatch(body[:MAX_BODY]):
                self._fields(body[:MAX_BODY])
            for name, value in _MEMBER.findall(body[:MAX_BODY]):
                if CREDENTIAL.search(name):
                    self._add(value)
            for pattern in self._patterns:
                for value in pattern.findall(body[:65536]):
                    self._add(html.unescape(value))

    def text(self, text: str) -> str:
        """The text with every known secret replaced, plain and percent-encoded."""
        if not self._pseudonyms:
            return text
        if self._pattern is None:
            encode = (str, lambda s: urllib.parse.quote(s, safe=""), urllib.parse.quote_plus)
            forms = {form(secret) for secret in self._pseudonyms for form in encode}
            longest_first = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(self._replaced, text)

    def _fields(self, query: str) -> None:
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            param = self._params.get(name.lower())
            if param is None and (CREDENTIAL.search(name) or is_token(value)):
                self._add(value)
            elif param is not None:
                self._add_param(param, value)

    def _add_param(self, param: Param, value: str) -> None:
        if value != param.establish and not (param.clear and re.fullmatch(param.clear, value)):
            self._add(value)

    def _replaced(self, match: re.Match[str]) -> str:
        form = match[0]
        if form in self._pseudonyms:
            return self._pseudonyms[form]
        decoded = (urllib.parse.unquote_plus(form), urllib.parse.unquote(form))
        pseudonym = next((self._pseudonyms[s] for s in decoded if s in self._pseudonyms), "")
        return urllib.parse.quote(pseudonym, safe="")

    def _header(self, name: str, value: str) -> None:
        state = _STATE.fullmatch(name)
        param = self._params.get(state[2]) if state else None
        if state and (param is not None or state[1]):
            bare = (value.rpartition(";")[0] or value if state[1] else value).strip()
            if param is not None:
                self._add_param(param, bare)
            else:
                self._add(bare)
        elif "cookie" in name:
            for key, each in _PAIR.findall(value):
                if key.lower() not in _ATTRIBUTES:
                    self._add(each.strip('" '))
        elif CREDENTIAL.search(name) and not _HARMLESS.search(name):
            self._add(_SCHEME.sub("", value, count=1).strip())
        elif name in ("referer", "location", "content-location"):
            self.learn(value, ())

    def _add(self, secret: str) -> None:
        if len(secret) >= MIN_SECRET and secret not in self._pseudonyms and secret.isprintable():
            self._pseudonyms[secret] = self._pseudonym(secret)
            self._pattern = None

    def _pseudonym(self, secret: str) -> str:
        """Another text of the same length and classes of characters."""
        classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
        characters: list[str] = []
        for at, character in enumerate(secret):
            if at % 32 == 0:
                salt = hashlib.blake2b(f"{at}:{secret}".encode("utf-8", "replace"), key=self._key)
                draw = salt.digest()
            alphabet = next((c for c in classes if character in c), character)
            characters.append(alphabet[draw[at % 32] % len(alphabet)])
        return "".join(characters)


def redact_flows(source: Path, target: Path, redactor: Redactor) -> int:
    """Write a flow file's copy. Returns the number of its complete exchanges."""
    for flow in _flows(source):
        messages = _messages(flow)
        fields = [
            field
            for message in messages
            for field in message.headers.items(multi=True)  # type: ignore[no-untyped-call]
        ]
        redactor.learn(flow.request.url, fields, *map(_body, messages))
    count = 0
    with target.open("xb") as file:
        writer = FlowWriter(file)  # type: ignore[no-untyped-call]
        for flow in _flows(source):
            _redact_flow(flow, redactor)
            writer.add(flow)
            count += 1
    return count


def _flows(source: Path) -> Iterator[HTTPFlow]:
    with source.open("rb") as file:
        try:
            for flow in FlowReader(file).stream():
                if isinstance(flow, HTTPFlow):
                    yield flow
        except FlowReadException:
            return


def _messages(flow: HTTPFlow) -> list[Message]:
    return [flow.request, *([flow.response] if flow.response is not None else [])]


def _body(message: Message) -> str:
    """The body if it is small text, else an empty text."""
    content = message.get_content(strict=False) or b""
    if len(content) > MAX_BODY or b"\0" in content[:1024]:
        return ""
    return content.decode("utf-8", "replace")


def _redact_flow(flow: HTTPFlow, redactor: Redactor) -> None:
    for message in _messages(flow):
        body = _body(message)
        for name in ("content-encoding", "content-length"):
            message.headers.pop(name, None)
        message.headers.fields = tuple(
            (name, _bytes(redactor.text(value.decode("utf-8", "surrogateescape"))))
            for name, value in message.headers.fields
        )
        if message.raw_content is not None:
            message.raw_content = _bytes(redactor.text(body))
            message.headers["content-length"] = str(len(message.raw_content))
        message.trailers = None
    flow.request.path = redactor.text(flow.request.path)
    flow.metadata.clear()  # it holds the password of the proxy's user
    flow.comment = redactor.text(flow.comment)
    flow.websocket = None
    if flow.error is not None:
        flow.error.msg = redactor.text(flow.error.msg)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def redact_har(source: Path, target: Path, redactor: Redactor) -> int:
    """Write a HAR file's copy. Returns the number of its entries. Loads the whole file."""
    try:
        document = json.loads(source.read_bytes())
        entries = document["log"]["entries"]
        for entry in entries:
            _learn_entry(entry, redactor)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CaptureError(
            f"{source} is no valid HAR file: only a complete one can be redacted"
        ) from None
    with target.open("x", encoding="utf-8") as file:
        json.dump(_redacted(document, redactor), file, ensure_ascii=True)
    return len(entries)


def _learn_entry(entry: Any, redactor: Redactor) -> None:
    request, response = entry["request"], entry.get("response") or {}
    headers = [
        (str(each.get("name", "")), str(each.get("value", "")))
        for side in (request, response)
        for each in side.get("headers") or ()
    ]
    for side in (request, response):
        cookies = side.get("cookies") or ()
        headers += [("cookie", f"x={each.get('value', '')}") for each in cookies]
    post = request.get("postData") or {}
    fields = [(str(f.get("name", "")), str(f.get("value", ""))) for f in post.get("params") or ()]
    content = response.get("content") or {}
    bodies = [str(post.get("text") or ""), urllib.parse.urlencode(fields)]
    if content.get("encoding") != "base64":
        bodies.append(str(content.get("text") or ""))
    redactor.learn(str(request.get("url", "")), headers, *bodies)


def _redacted(node: Any, redactor: Redactor) -> Any:
    if isinstance(node, str):
        return redactor.text(node)
    if isinstance(node, list):
        return [_redacted(each, redactor) for each in node]
    if not isinstance(node, dict):
        return node
    # Bodies that cannot be searched are left out: pictures, and frames of web sockets.
    opaque = node.get("encoding") == "base64" or len(str(node.get("text") or "")) > MAX_BODY
    return {
        redactor.text(key): "" if opaque and key == "text" else _redacted(value, redactor)
        for key, value in node.items()
        if key != "_webSocketMessages"
    }
