"""Where a secret can be in an entry of a HAR file."""

import json
from collections.abc import Callable
from typing import Any, Final

from support.hars import entry

type Entry = dict[str, Any]
type Place = Callable[[str], Entry]

_URL: Final = "https://shop.example/API/V3/Cart"


def _member(**changed: Any) -> Entry:
    return entry(**changed)


def _field(name: str, before: str = "", side: str = "request", behind: str = "") -> Place:
    def place(text: str) -> Entry:
        made = entry()
        made[side]["headers"].append({"name": name, "value": f"{before}{text}{behind}"})
        return made

    return place


def _posted(mime: str, before: str, behind: str = "") -> Place:
    def place(text: str) -> Entry:
        made = entry(request__method="POST")
        made["request"]["postData"] = {"mimeType": mime, "text": f"{before}{text}{behind}"}
        return made

    return place


def _answered(mime: str, before: str, behind: str = "") -> Place:
    def place(text: str) -> Entry:
        body = f"{before}{text}{behind}"
        return entry(response__content={"mimeType": mime, "text": body, "size": len(body)})

    return place


def _json(*path: str) -> Callable[[str], str]:
    return lambda text: json.dumps({"data": {path[0]: text}})


_PART: Final = '--b\r\nContent-Disposition: form-data; name="pass"\r\n\r\n'

PLACES: Final[dict[str, Place]] = {
    "path": lambda text: entry(f"{_URL}/{text}/state"),
    "matrix parameter": lambda text: entry(f"{_URL};jsessionid={text}/state"),
    "person in the path": lambda text: entry(f"https://shop.example/users/{text}"),
    "query": lambda text: entry(f"{_URL}?password={text}"),
    "short query name": lambda text: entry(f"{_URL}?p={text}"),
    "query without a name": lambda text: entry(f"{_URL}?{text}"),
    "query name": lambda text: entry(f"{_URL}?{text}=1"),
    "address in the query": lambda text: entry(f"{_URL}?to=https://x.example/?t={text}"),
    "state in the query": lambda text: entry(f"{_URL}?_session_token={text}"),
    "state with another name": lambda text: entry(f"{_URL}?LangId={text}"),
    "fragment": lambda text: entry(f"{_URL}#access_token={text}"),
    "user of the address": lambda text: entry(f"https://{text}:x@shop.example/API/V3/Cart"),
    "password of the address": lambda text: entry(f"https://ann:{text}@shop.example/API/V3/Cart"),
    "Authorization": _field("Authorization", "Bearer "),
    "Basic": _field("Authorization", "Basic "),
    "Proxy-Authorization": _field("Proxy-Authorization"),
    "Cookie": _field("Cookie", "lang=en; a=b; s="),
    "Cookie without a name": _field("Cookie"),
    "X-Api-Key": _field("X-Api-Key"),
    "X-Custom": _field("X-Custom", "v1 "),
    "X-Ticket": _field("X-Ticket"),
    "X-LangId": _field("X-LangId"),
    "User-Agent": _field("User-Agent", "Shop/1.0 (", behind=")"),
    "User-Agent product": _field("User-Agent", "Shop/"),
    "Origin": _field("Origin", "https://"),
    "Referer": _field("Referer", "https://shop.example/?t="),
    "Accept": _field("Accept"),
    "If-None-Match": _field("If-None-Match", '"', behind='"'),
    "Content-Type": _field("Content-Type", "multipart/form-data; boundary="),
    "Sec-Fetch-Dest": _field("Sec-Fetch-Dest"),
    "pseudo field": _field(":path", "/?t="),
    "X-Forwarded-For": _field("X-Forwarded-For"),
    "Set-Cookie": _field("Set-Cookie", "sid=", "response", "; Path=/"),
    "Set-Cookie path": _field("Set-Cookie", "sid=1; Path=/", "response"),
    "two cookies in one field": _field("Set-Cookie", "a=1; Path=/\nsid=", "response"),
    "Location": _field("Location", "https://shop.example/?code=", "response"),
    "Location path": _field("Location", "/a/", "response"),
    "Link": _field("Link", "<https://shop.example/?t=", "response", ">; rel=next"),
    "Refresh": _field("Refresh", "0; url=/?t=", "response"),
    "ETag": _field("ETag", 'W/"', "response", '"'),
    "Date": _field("Date", "", "response"),
    "Cache-Control": _field("Cache-Control", "max-age=5, ", "response"),
    "Age": _field("Age", "", "response"),
    "Vary": _field("Vary", "", "response"),
    "Access-Control-Expose-Headers": _field("Access-Control-Expose-Headers", "", "response"),
    "Content-Security-Policy": _field("Content-Security-Policy", "script-src 'nonce-", "response"),
    "Server": _field("Server", "nginx/", "response"),
    "Content-Encoding": _field("Content-Encoding", "", "response"),
    "X-Set-Ticket": _field("X-Set-Ticket", "", "response", ";header/forced"),
    "X-Set-Ticket tail": _field("X-Set-Ticket", "abc;", "response", "/forced"),
    "X-Set-Ticket without tail": _field("X-Set-Ticket", "", "response"),
    "X-Set-LangId tail": _field("X-Set-LangId", "1;header/", "response"),
    "X-Set-* unknown": _field("X-Set-Colour", "", "response", ";header/forced"),
    "cookies": lambda text: _member(request__cookies=[{"name": "sid", "value": text}]),
    "queryString": lambda text: _member(request__queryString=[{"name": "a", "value": text}]),
    "Set-Cookie as cookies": lambda text: _member(response__cookies=[{"name": "a", "value": text}]),
    "postData form": _posted("application/x-www-form-urlencoded", "user=ann&p="),
    "postData JSON pass": _posted("application/json", '{"pass":"', '"}'),
    "postData JSON jwt": _posted("application/json", '{"jwt":"', '"}'),
    "postData JSON list": _posted("application/json", '{"tokens":["a","', '"]}'),
    "postData JSON number's text": _posted("application/json", '{"code":["', '",1]}'),
    "postData JSON key": _posted("application/json", '{"', '":1}'),
    "postData multipart": _posted("multipart/form-data; boundary=b", _PART, "\r\n--b--"),
    "postData XML": _posted("text/xml", "<login><password>", "</password></login>"),
    "postData XML attribute": _posted("text/xml", '<login p="', '"/>'),
    "postData XML comment": _posted("text/xml", "<login><!-- ", " --></login>"),
    "postData text": _posted("text/plain", "my pass: "),
    "postData mimeType": lambda text: _posted(f"text/{text}", "x")(""),
    "postData params": lambda text: _member(
        request__postData={"params": [{"name": "p", "value": text, "fileName": text}]}
    ),
    "content JSON": _answered("application/json", '{"sid":"', '"}'),
    "content JSON inner": _answered("application/json", '{"a":[{"b":{"code":"', '"}}]}'),
    "content XML": _answered("text/xml", "<r><token>", "</token></r>"),
    "content XML state": _answered("text/xml", '<r session="', '"/>'),
    "content XML attribute": _answered("text/xml", '<r other="', '"/>'),
    "content XML not closed": _answered("text/xml", '<r other="a"><b>'),
    "content HTML": _answered("text/html", "<html><input name=csrf value='", "'></html>"),
    "content script": _answered("text/javascript", "var t = '", "';"),
    "content base64": lambda text: _member(
        response__content={"mimeType": "image/png", "text": text, "encoding": "base64", "size": 9}
    ),
    "content comment": lambda text: _member(response__content={"size": 0, "comment": text}),
    "mimeType": lambda text: _member(response__content__mimeType=text),
    "statusText": lambda text: _member(response__statusText=text),
    "redirectURL": lambda text: _member(response__redirectURL=f"/?t={text}"),
    "httpVersion": lambda text: _member(request__httpVersion=text),
    "comment": lambda text: _member(comment=text),
    "comment of the request": lambda text: _member(request__comment=text),
    "timings comment": lambda text: _member(timings__comment=text),
    "startedDateTime": lambda text: _member(comment=text, startedDateTime="2024-05-01T10:00:00Z"),
    "serverIPAddress": lambda text: _member(serverIPAddress=text),
    "connection": lambda text: _member(connection=text),
    "pageref": lambda text: _member(pageref=text),
    "_error": lambda text: _member(_error=f"net::ERR_FAILED {text}"),
    "_error of the response": lambda text: _member(response___error=text),
    "_initiator": lambda text: _member(_initiator={"url": f"https://shop.example/?t={text}"}),
    "_webSocketMessages": lambda text: _member(_webSocketMessages=[{"data": text}]),
    "_securityDetails": lambda text: _member(_securityDetails={"sanList": [text]}),
    "_clientAddress": lambda text: _member(_clientAddress=text),
    "cache": lambda text: _member(cache={"beforeRequest": {"eTag": text}}),
    "unknown member": lambda text: _member(_other={text: [text]}),
}  # fmt: skip
NAME_PLACES: Final[dict[str, Place]] = {
    "host": lambda text: entry(f"https://{text}.shop.example/API/V3/Cart"),
    "method": lambda text: _member(request__method=text),
    "field name": lambda text: _field(f"X-{text}")("1"),
    "X-Set-* name": lambda text: _field(f"X-Set-{text}", side="response")("1;header/forced"),
    "cookie name": lambda text: _field("Cookie")(f"{text}=1"),
    "exposed name": _field("Access-Control-Expose-Headers", "x-set-langid, x-", "response"),
    "Origin label": _field("Origin", "https://", behind=".example"),
}
"""Where only some characters may be."""
