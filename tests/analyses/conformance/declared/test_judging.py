"""Conversations with dialects that declare the lives of their values, and what is told of them.

Each is told step by step: when, what the request presented, what the response issued. The verdicts
on a client that obeys hold no fault; the fault in each other one is the one named, and no other.
"""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import msgspec
import pytest

import statetrail
from statetrail.dialects import builtin
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.rules import findings_of, rule
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, exchange

A, B, C = "yjipILZBeUWxrFqRTaa1", "QmZkTbVwLrXcNsHdPbb2", "Zq8w7e6r5t4y3u2i1oPA"
D = "Vn3mK8xZ1cB6qWfGdd4"
BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
AUTH = "auth.example"


def step(at: float, target: str = "/", **about: Any) -> tuple[float, dict[str, Any]]:
    """An exchange that began so many seconds after the first."""
    return at, {"target": target, **about}


def cookies(**values: str) -> dict[str, str]:
    """A browser's request with these cookies."""
    return BROWSER | {"Cookie": "; ".join(f"{name}={value}" for name, value in values.items())}


def sets(*fields: str, date: str | None = None) -> list[tuple[bytes, bytes]]:
    """A response that sets cookies."""
    dated = [(b"Date", date.encode())] if date else []
    return [*dated, *((b"Set-Cookie", field.encode()) for field in fields)]


def token_request(at: float, sent: str, answer: dict[str, Any], status: int = 200) -> Any:
    """A request to the token endpoint."""
    about = {"method": "POST", "host": AUTH, "asked": FORM, "answered": JSON, "status": status}
    return step(at, "/token", sent=sent, body=json.dumps(answer).encode(), **about)


def page(at: float, name: str, value: str, target: str = "/") -> Any:
    """A page with a form."""
    text = f"<form><input type=hidden name='{name}' value='{value}'></form>"
    return step(at, target, answered=HTML, body=text.encode())


def submits(at: float, name: str, value: str | None, target: str = "/cart", **about: Any) -> Any:
    """A form that is submitted."""
    pairs = [f"{name}={value}"] if value is not None else []
    about = {"asked": FORM | about.pop("asked", {})} | about
    return step(at, target, method="POST", sent="&".join([*pairs, "q=1"]), **about)


def cart_token(number: int, user: str = "u") -> str:
    """A JSON Web Token that is signed anew each time."""
    claims = {"user_id": user, "exp": 1_900_000_000 + number, "iat": 1_899_000_000 + number}
    parts = (b'{"alg":"HS256"}', json.dumps(claims).encode(), b"signature%d" % number)
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def recorded(tmp_path: Path, steps: list[Any]) -> statetrail.Recording:
    """The steps in a store; all built-in dialects are on."""
    dialects = tuple(builtin().values())
    with SqliteStore.create_or_open(tmp_path / "talk.sqlite") as store:
        config = ExtractorConfig(dialects, store.fingerprinter)
        facts = []
        for number, (at, about) in enumerate(steps):
            sent = about.pop("sent", "").encode()
            one = exchange(at=AT + round(at * 1_000_000), flow_id=f"f{number}", **about)
            request = msgspec.structs.replace(one.request, body=sent)
            facts.append(extract(msgspec.structs.replace(one, request=request), config))
        store.append_many(facts)
    return statetrail.open(tmp_path / "talk.sqlite", dialects=dialects)


def faults(rec: statetrail.Recording) -> list[tuple[int, str, str, str, str | None]]:
    """The faults: step, dialect, parameter, verdict, reason."""
    return [
        (row["exchange_id"] - 1, row["dialect"], row["param"], row["verdict"], row["reason"])
        for row in statetrail.verdicts(rec).rows()
        if row["fault"]
    ]


LOGIN = step(0, answered=sets(f"sessionid={A}; HttpOnly; Secure", f"csrf2={C}; Secure"))
USE = cookies(sessionid=A, csrf2=C)
OTHER_LOGIN = step(0.5, answered=sets(f"sessionid={B}; HttpOnly; Secure", f"csrf2={D}; Secure"))
OTHER = cookies(sessionid=B, csrf2=D)
LOGOUT = sets("sessionid=; Max-Age=0; Secure")
SETTING = sets("lang=en-US-default; Secure")


def of_two(*steps: Any) -> list[Any]:
    """Two shoppers behind one backend, each with a setting that both are given."""
    given = [step(1, asked=USE, answered=SETTING), step(1.5, asked=OTHER, answered=SETTING)]
    return [LOGIN, OTHER_LOGIN, *given, *steps]


OBEDIENT = {
    "cookie: rotated": [LOGIN, step(1, asked=USE, answered=sets(f"sessionid={B}; Secure")),
        step(2, asked=cookies(sessionid=B, csrf2=C))],
    "cookie: sent while its replacement was on its way": [
        LOGIN, step(1, asked=USE, answered=sets(f"sessionid={B}; Secure")), step(1.01, asked=USE)],
    "cookie: another tab's response did not replace it": [
        LOGIN, step(1, asked=BROWSER, answered=sets(f"sessionid={B}; Path=/app; Secure")),
        step(2, asked=USE)],
    "cookie: the browser was closed over night": [
        step(0, answered=sets(f"sessionid={A}; Secure", f"csrf2={C}; Secure; Max-Age=99999")),
        step(1, asked=USE), step(40_000, asked=cookies(csrf2=C))],
    "cookie: never issued": [LOGIN, step(1, asked=cookies(sessionid=A, csrf2=C, made=B))],
    "cookie: of a path": [
        step(0, answered=sets(f"sessionid={A}; Path=/app; Secure", f"csrf2={C}; Secure")),
        step(1, "/app/x", asked=USE), step(2, "/other", asked=cookies(csrf2=C))],
    "cookie: no Cookie field at all": [LOGIN, step(1, asked=USE), step(2, asked=BROWSER)],
    "cookie: a bearer token instead": [LOGIN, step(1, asked=USE),
        token_request(2, "x=1", {"access_token": B}),
        step(3, asked=cookies(csrf2=C) | {"Authorization": f"Bearer {B}"})],
    "cookie: cross-site": [LOGIN, step(1, asked=USE),
        step(2, asked=cookies(csrf2=C) | {"Sec-Fetch-Site": "cross-site"})],
    "cookie: expired": [
        step(0, answered=sets(f"sessionid={A}; Max-Age=10; Secure", f"csrf2={C}; Secure")),
        step(1, asked=USE), step(30, asked=cookies(csrf2=C))],
    "cookie: deleted": [LOGIN, step(1, asked=USE, answered=sets("sessionid=; Max-Age=0; Secure")),
        step(2, asked=cookies(csrf2=C))],
    "cookie: refused by the store": [
        LOGIN, step(1, asked=USE, answered=sets(f"sessionid={B}; Domain=com; Secure")),
        step(2, asked=USE)],
    "cookie: another shopper logs out": [
        LOGIN, OTHER_LOGIN, step(1, asked=USE, answered=LOGOUT), step(2, asked=OTHER)],
    "cookie: a visitor without cookies is answered with a deletion": [
        LOGIN, step(1, asked=BROWSER, answered=LOGOUT), step(2, asked=USE)],
    "cookie: another shopper's setting is replaced": of_two(
        step(2, asked=USE | {"Cookie": USE["Cookie"] + "; lang=en-US-default"},
             answered=sets("lang=de-DE-default; Secure")),
        step(3, asked=OTHER | {"Cookie": OTHER["Cookie"] + "; lang=en-US-default"})),
    "cookie: a guest with the setting of a user": of_two(
        step(2, asked=OTHER | {"Cookie": OTHER["Cookie"] + "; lang=en-US-default"}),
        step(3, asked=cookies(lang="en-US-default"))),
    "cookie: the setting of who has no session": [
        step(0, asked=cookies(a=A), answered=sets("items=0; Secure")),
        step(1, asked=cookies(a=B), answered=sets("items=0; Secure")),
        step(2, asked=cookies(a=A, items="0"), answered=sets("items=1; Secure")),
        step(3, asked=cookies(a=B, items="0"))],
    "cookie: a short value names no session": [
        step(0, answered=sets(f"sessionid={A}; Secure", "remember=1; Secure")),
        step(0.5, answered=sets(f"sessionid={B}; Secure", "remember=1; Secure")),
        step(1, asked=cookies(sessionid=A, remember="1"), answered=LOGOUT),
        step(2, asked=cookies(sessionid=B, remember="1"))],
    "cookie: the server answers the older value with itself": [
        LOGIN, step(1, asked=USE, answered=sets(f"sessionid={B}; Secure")),
        step(2, asked=USE, answered=sets(f"sessionid={A}; Secure")), step(3, asked=USE)],
    "cookie: renewed for a shorter time": [
        step(0, answered=sets(f"sessionid={A}; Max-Age=600; Secure", f"csrf2={C}; Secure")),
        step(1, asked=USE, answered=sets(f"sessionid={A}; Max-Age=10; Secure")),
        step(30, asked=cookies(csrf2=C))],
    "cookie: renewed at another address": [
        step(0, answered=sets(f"sessionid={A}; Max-Age=60; Secure", f"csrf2={C}; Secure")),
        step(50, asked=USE, answered=sets(f"sessionid={A}; Max-Age=60; Secure"), peer="192.0.2.8"),
        step(100, asked=USE)],
    "cookie: renewed for a longer time": [
        step(0, answered=sets(f"sessionid={A}; Max-Age=10; Secure", f"csrf2={C}; Secure")),
        step(9, asked=USE, answered=sets(f"sessionid={A}; Max-Age=10; Secure")),
        step(18, asked=USE)],
    "cookie: a switch of protocols need not set any": [
        LOGIN, step(1, asked=USE, status=101, answered=sets(f"sessionid={B}; Secure")),
        step(2, asked=USE)],
    "bearer: rotated": [
        token_request(0, "grant_type=password", {"access_token": A, "refresh_token": B}),
        step(1, "/api", asked={"Authorization": f"Bearer {A}"}),
        token_request(2, f"grant_type=refresh_token&refresh_token={B}",
            {"access_token": C, "refresh_token": A + B}),
        step(3, "/api", asked={"Authorization": f"Bearer {A}"}),
        step(4, "/api", asked={"Authorization": f"Bearer {C}"})],
    "bearer: early refresh": [
        token_request(0, "x=1", {"access_token": A, "refresh_token": B, "expires_in": 3600}),
        token_request(1, f"refresh_token={B}", {"access_token": C, "expires_in": 3600}),
        token_request(2, f"refresh_token={B}", {"access_token": A + C, "expires_in": 3600})],
    "bearer: the server answers the older refresh token with itself": [
        token_request(0, "x=1", {"access_token": A, "refresh_token": B}),
        token_request(1, f"refresh_token={B}", {"access_token": C, "refresh_token": A + B}),
        token_request(2, f"refresh_token={B}", {"access_token": D, "refresh_token": B})],
    "bearer: another scheme was asked for": [
        token_request(0, "x=1", {"access_token": A}),
        step(1, "/api", status=401, answered={"WWW-Authenticate": 'Basic realm="bearers"'}),
        step(2, "/api"), step(3, "/plain", status=401), step(4, "/plain")],
    "bearer: none where none was asked for": [
        token_request(0, "x=1", {"access_token": A}), step(1, "/public")],
    "django: masked anew": [
        page(0, "csrfmiddlewaretoken", "a" * 32 + "b" * 32),
        submits(1, "csrfmiddlewaretoken", "c" * 32 + "d" * 32)],
    "woocommerce: a cart token instead of the nonce": [
        step(0, "/wc/store/v1/cart", answered={"Nonce": "a1b2c3d4e5", "Cart-Token": cart_token(1)}),
        step(1, "/wc/store/v1/cart/add", method="POST", asked={"Cart-Token": cart_token(1)})],
    "woocommerce: an older writing of the cart token": [
        step(0, "/wc/store/v1/cart", answered={"Cart-Token": cart_token(1)}),
        step(1, "/wc/store/v1/cart", asked={"Cart-Token": cart_token(1)},
            answered={"Cart-Token": cart_token(2)}),
        step(3, "/wc/store/v1/cart", asked={"Cart-Token": cart_token(1)})],
    "woocommerce: a nonce of a redirect, and one of a cached page": [
        step(0, "/wc/store/v1/cart", answered={"Nonce": "a1b2c3d4e5"}),
        step(1, "/wc/store/v1/cart", status=303, answered={"Nonce": "f6a7b8c9d0"}),
        step(2, "/wc/store/v1/cart", answered={"Nonce": "0a9b8c7d6e", "Age": "30"}),
        step(3, "/wc/store/v1/cart/add", method="POST", asked={"Nonce": "a1b2c3d4e5"})],
    "woocommerce: a shopper and new visitors at one endpoint": [
        step(0, "/wc/store/v1/cart", answered={"Cart-Token": cart_token(1)}),
        *(step(at, "/wc/store/v1/cart", asked={"Cart-Token": cart_token(1)} if at % 2 else {},
               answered={} if at % 2 else {"Cart-Token": cart_token(at, f"v{at}")})
          for at in range(1, 6))],
    "sap: fetched again": [
        step(0, "/sap/opu/odata/x", asked={"X-CSRF-Token": "Fetch"}, answered={"X-CSRF-Token": A}),
        step(1, "/sap/opu/odata/x", method="POST", asked={"X-CSRF-Token": A}),
        step(2, "/sap/opu/odata/x", asked={"X-CSRF-Token": "fetch"}, answered={"X-CSRF-Token": B}),
        step(3, "/sap/opu/odata/x", method="POST", asked={"X-CSRF-Token": B}),
        step(4, "/sap/opu/odata/x")],
    "laravel: an older cookie, which is none of Spring's": [
        step(0, answered=sets(f"XSRF-TOKEN={A}; Path=/", f"my_session={B}; Path=/")),
        step(1, method="POST", asked=cookies(my_session=B) | {"X-XSRF-TOKEN": A},
             answered=sets(f"XSRF-TOKEN={C}; Path=/")),
        step(2, method="POST", asked=cookies(my_session=B) | {"X-XSRF-TOKEN": A})],
    "rails does not act on a page of Laravel": [
        step(0, answered=HTML, body=f'<meta name="csrf-token" content="{A}">'
             f'<input name="_token" value="{A}">'.encode()),
        submits(1, "_token", A), submits(2, "_token", A)],
}  # fmt: skip


@pytest.mark.parametrize("talk", OBEDIENT)
def test_who_obeys_is_not_blamed(tmp_path: Path, talk: str) -> None:
    """Permission follows the widest reading, obligation the narrowest."""
    assert faults(recorded(tmp_path, [(at, dict(about)) for at, about in OBEDIENT[talk]])) == []


FAULTY = {
    "cookie: superseded": (
        [LOGIN, step(1, asked=USE, answered=sets(f"sessionid={B}; Secure")), step(2, asked=USE)],
        (2, "cookie", "sessionid", "stale", "superseded")),
    "cookie: deleted": (
        [LOGIN, step(1, asked=USE, answered=sets("sessionid=; Max-Age=0; Secure")),
         step(2, asked=USE)],
        (2, "cookie", "sessionid", "stale", "deleted")),
    "cookie: deleted of one of two shoppers": (
        [LOGIN, OTHER_LOGIN, step(1, asked=USE, answered=LOGOUT), step(2, asked=OTHER),
         step(3, asked=USE)],
        (4, "cookie", "sessionid", "stale", "deleted")),
    "cookie: a setting kept by one of two shoppers": (
        of_two(step(2, asked=USE | {"Cookie": USE["Cookie"] + "; lang=en-US-default"},
                    answered=sets("lang=de-DE-default; Secure")),
               step(3, asked=USE | {"Cookie": USE["Cookie"] + "; lang=en-US-default"})),
        (5, "cookie", "lang", "stale", "superseded")),
    "cookie: expired": (
        [step(0, answered=sets(f"sessionid={A}; Max-Age=10; Secure", f"csrf2={C}; Secure")),
         step(30, asked=USE)],
        (1, "cookie", "sessionid", "stale", "expired")),
    "cookie: expired, renewed for a shorter time": (
        [step(0, answered=sets(f"sessionid={A}; Max-Age=600; Secure", f"csrf2={C}; Secure")),
         step(1, asked=USE, answered=sets(f"sessionid={A}; Max-Age=10; Secure")),
         step(30, asked=USE)],
        (2, "cookie", "sessionid", "stale", "expired")),
    "cookie: expired by date": (
        [step(0, answered=sets(f"sessionid={A}; Expires=Tue, 14 Nov 2023 22:13:30 GMT; Secure",
              f"csrf2={C}; Secure", date="Tue, 14 Nov 2023 22:13:20 GMT")),
         step(30, asked=USE)],
        (1, "cookie", "sessionid", "stale", "expired")),
    "cookie: outside its path": (
        [step(0, answered=sets(f"sessionid={A}; Path=/app; Secure", f"csrf2={C}; Secure")),
         step(1, "/other", asked=USE)],
        (1, "cookie", "sessionid", "misplaced", None)),
    "cookie: dropped, counted once": (
        [LOGIN, step(1, asked=USE), step(2, asked=cookies(csrf2=C)),
         step(3, asked=cookies(csrf2=C))],
        (2, "cookie", "sessionid", "omitted", None)),
    "cookie: dropped after a pause by a browser that was not closed": (
        [LOGIN, step(1, asked=USE), step(40_000, asked=cookies(csrf2=C))],
        (2, "cookie", "sessionid", "omitted", None)),
    "cookie: dropped at once, the other one outlives the browser": (
        [step(0, answered=sets(f"sessionid={A}; Secure", f"csrf2={C}; Secure; Max-Age=99999")),
         step(1, asked=USE), step(3_000, asked=cookies(csrf2=C))],
        (2, "cookie", "sessionid", "omitted", None)),
    "cookie: dropped by one of two shoppers, counted once": (
        of_two(step(2, asked=cookies(sessionid=A)), step(3, asked=OTHER),
               step(4, asked=cookies(sessionid=A)), step(5, asked=OTHER)),
        (4, "cookie", "csrf2", "omitted", None)),
    "bearer: expired": (
        [token_request(0, "x=1", {"access_token": A, "expires_in": 10}),
         step(30, "/api", asked={"Authorization": f"Bearer {A}"})],
        (1, "bearer", "access_token", "stale", "expired")),
    "bearer: refused": (
        [token_request(0, "x=1", {"access_token": A}),
         step(1, "/api", asked={"Authorization": f"Bearer {A}"}, status=401,
              answered={"WWW-Authenticate": 'Bearer error="invalid_token"'}),
         step(3, "/api", asked={"Authorization": f"Bearer {A}"}, status=401)],
        (2, "bearer", "access_token", "stale", "refused")),
    "bearer: an access token after its revocation": (
        [token_request(0, "x=1", {"access_token": A, "refresh_token": B}),
         step(1, "/revoke", method="POST", host=AUTH, asked=FORM, sent=f"token={A}"),
         step(2, "/api", asked={"Authorization": f"Bearer {A}"}, status=401)],
        (2, "bearer", "access_token", "stale", "deleted")),
    "bearer: a refresh token sent again": (
        [token_request(0, "x=1", {"access_token": A, "refresh_token": B}),
         token_request(1, f"refresh_token={B}", {"access_token": C, "refresh_token": A + B}),
         token_request(2, f"refresh_token={B}", {"error": "invalid_grant"}, 400)],
        (2, "bearer", "refresh_token", "stale", "superseded")),
    "bearer: none where it was asked for": (
        [token_request(0, "x=1", {"access_token": A}),
         step(1, "/api", status=401, answered={"WWW-Authenticate": "Bearer"}), step(2, "/api")],
        (2, "bearer", "access_token", "omitted", None)),
    "woocommerce: a cart token forgotten": (
        [step(0, "/wc/store/v1/cart", answered={"Cart-Token": cart_token(1)}),
         step(1, "/wc/store/v1/cart", asked={"Cart-Token": cart_token(1)}),
         step(2, "/wc/store/v1/cart")],
        (2, "woocommerce", "Cart-Token", "omitted", None)),
    "woocommerce: an older nonce": (
        [step(0, "/wc/store/v1/cart", answered={"Nonce": "a1b2c3d4e5"}),
         step(1, "/wc/store/v1/cart", answered={"Nonce": "f6a7b8c9d0"}),
         step(2, "/wc/store/v1/cart/add", method="POST", asked={"Nonce": "a1b2c3d4e5"})],
        (2, "woocommerce", "Nonce", "stale", "superseded")),
    "woocommerce: no nonce": (
        [step(0, "/wc/store/v1/cart", answered={"Nonce": "a1b2c3d4e5"}),
         step(2, "/wc/store/v1/cart/add", method="POST")],
        (1, "woocommerce", "Nonce", "omitted", None)),
    "sap: no token": (
        [step(0, "/sap/opu/odata/x", asked={"X-CSRF-Token": "Fetch"}, answered={"X-CSRF-Token": A}),
         step(1, "/sap/opu/odata/x", method="POST")],
        (1, "sap-odata", "x-csrf-token", "omitted", None)),
    "django: no token where one was sent before": (
        [page(0, "csrfmiddlewaretoken", "a" * 32 + "b" * 32),
         submits(1, "csrfmiddlewaretoken", "c" * 32 + "d" * 32),
         submits(2, "csrfmiddlewaretoken", None)],
        (2, "django", "csrftoken", "omitted", None)),
    "struts: a token used twice": (
        [page(0, "org.apache.struts.taglib.html.TOKEN", A),
         submits(1, "org.apache.struts.taglib.html.TOKEN", A),
         submits(2, "org.apache.struts.taglib.html.TOKEN", A)],
        (2, "jsessionid", "struts.TOKEN", "stale", "used")),
}  # fmt: skip


FINDINGS = {
    ("stale", True): "token-kept-after-reset",
    ("stale", False): "stale-value",
    ("omitted", True): "token-dropped",
    ("omitted", False): "state-omitted",
    ("misplaced", True): "misplaced-value",
}
"""The rule that tells a verdict, by whether the value comes from the server alone."""


@pytest.mark.parametrize("talk", FAULTY)
def test_a_fault_is_found_with_its_reason(tmp_path: Path, talk: str) -> None:
    """It is the only one, and a finding says it."""
    steps, fault = FAULTY[talk]
    rec = recorded(tmp_path, [(at, dict(about)) for at, about in steps])
    assert faults(rec) == [fault]
    _, dialect, param, verdict, _ = fault
    from_server = builtin()[dialect].mints(param)
    (found,) = findings_of(rule(FINDINGS[verdict, from_server]), rec)
    assert (found["param"], found["count"], found["evidence"]) == (param, 1, str(fault[0] + 1))
