"""The HTTP snippets of the documentation pages, read as traffic.

Enters: the text of a page. Leaves: its claims: what is said of a parameter in the last request of a
conversation, and a recording of that conversation.

A message begins with ``@ 1.0 s`` (``@ 0.1 s to 0.9 s`` where a reply takes its time); a request and
its reply take turns. ``@ 1.0 s, 3 times, 1 s apart`` stands for three requests and replies.
``@ 1.0 s, judged`` is the request that the claim is about, where it is not the last one.
"""

import re
from collections.abc import Mapping
from copy import replace
from dataclasses import dataclass
from pathlib import Path

import statetrail
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request, Response
from statetrail.recording.frames import Recording
from statetrail.store.sqlite import CaptureCounts, SqliteStore

_CLAIM = re.compile(
    r"^## (Before|After): `(?P<param>[\w.-]+)` is `(?P<verdict>[a-z-]+)`"
    r"(?:, cause `(?P<cause>[a-z-]+)`|, reason `(?P<reason>[a-z-]+)`)?(?:, a (?P<fault>fault))?"
    r"\n\n```http\n(?P<messages>.*?)\n```$",
    re.MULTILINE | re.DOTALL,
)
_EXAMPLE = re.compile(
    r"^## (Before|After): (?:the rule|it does).*?```http\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)
_WHEN = re.compile(
    r"@ (?P<at>[\d.]+) s(?: to (?P<to>[\d.]+) s)?(?:, (?P<n>\d+) times, 1 s apart)?"
    r"(?P<judged>, judged)?"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a page says of one request of a conversation: the `nth`, from the end if negative."""

    when: str
    param: str
    verdict: str
    cause: str | None
    reason: str | None
    fault: bool
    """It says expressly that it is one."""
    nth: int
    messages: str


def claims(page: str) -> list[Claim]:
    """The claims of a page, in its order."""
    return [
        Claim(
            when=match[1],
            param=match["param"],
            verdict=match["verdict"],
            cause=match["cause"],
            reason=match["reason"],
            fault=match["fault"] is not None,
            nth=_judged(match["messages"]),
            messages=match["messages"],
        )
        for match in _CLAIM.finditer(page)
    ]


def recording(conversations: Mapping[str, str], store: Path) -> Recording:
    """The conversations by their names, each a capture with a client (a user agent) of that name.

    A clock that was set back in one says nothing of the others.
    """
    with SqliteStore.create_or_open(store) as opened:
        config = ExtractorConfig(select(), opened.fingerprinter)
        for name, messages in conversations.items():
            capture = opened.begin_capture("har", "conversation")
            exchanges = exchanges_of(messages, name)
            opened.append_many([extract(exchange, config) for exchange in exchanges], capture)
            opened.end_capture(capture, CaptureCounts())
    return statetrail.open(store)


def examples(page: str) -> dict[str, str]:
    """The conversations of a rule's page: ``Before`` and ``After``."""
    return {match[1]: match[2] for match in _EXAMPLE.finditer(page)}


def _judged(messages: str) -> int:
    requests = _WHEN.finditer(messages)
    return next((at // 2 for at, when in enumerate(requests) if when["judged"]), -1)


def exchanges_of(messages: str, client: str) -> list[Exchange]:
    parts = re.split(r"(?=^@ )", messages, flags=re.MULTILINE)[1:]
    made: list[Exchange] = []
    for asked, answered in zip(parts[::2], parts[1::2], strict=True):
        when, first, fields, sent = _message(asked)
        method, target, _version = first.split(" ")
        reply, status, headers, body = _message(answered)
        start, begun = _us(when["at"]), _us(reply["at"])
        host = next(value for name, value in fields if name == b"Host").decode()
        plain = target.startswith("http://")
        named = any(name == b"User-Agent" for name, _ in fields)
        lost = status == "(no response)"
        exchange = Exchange(
            f"{client}-{len(made)}",
            Request(
                method=method,
                scheme="http" if plain else "https",
                host=host,
                port=80 if plain else 443,
                target=target.removeprefix(f"http://{host}").encode(),
                headers=fields if named else (*fields, (b"User-Agent", client.encode())),
                http_version="HTTP/1.1",
                start_us=start,
                end_us=start,
                body=sent,
            ),
            None
            if lost
            else Response(
                status=int(status.split(" ")[1]),
                headers=headers,
                start_us=begun,
                end_us=_us(reply["to"]) if reply["to"] else begun + 10_000,
                body=body,
                codings=(),
            ),
            "server-disconnected" if lost else None,
        )
        made += [_later(exchange, nth) for nth in range(int(when["n"] or 1))]
    return made


def _message(text: str) -> tuple[re.Match[str], str, tuple[tuple[bytes, bytes], ...], bytes]:
    head, _, body = text.strip().partition("\n\n")
    when, first, *lines = head.splitlines()
    at = _WHEN.fullmatch(when)
    assert at is not None, when
    fields = [line.partition(": ")[::2] for line in lines]
    return at, first, tuple((n.encode(), v.encode()) for n, v in fields), body.encode()


def _later(exchange: Exchange, seconds: int) -> Exchange:
    if not seconds:
        return exchange
    shift, answer = seconds * 1_000_000, exchange.response
    assert answer is not None
    assert answer.start_us is not None
    assert answer.end_us is not None
    asked = exchange.request
    return replace(
        exchange,
        flow_id=f"{exchange.flow_id}-{seconds}",
        request=replace(asked, start_us=asked.start_us + shift, end_us=asked.start_us + shift),
        response=replace(answer, start_us=answer.start_us + shift, end_us=answer.end_us + shift),
    )


def _us(seconds: str) -> int:
    return round(float(seconds) * 1_000_000)
