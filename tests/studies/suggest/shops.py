"""Worlds of look-alikes: servers that hand state back and forth as a product's documentation says.

Each holds things that look like state as well: ids in lists, cursors, validators, constants,
correlation ids, addresses that are only followed.
"""

import base64
import hashlib
import json
from typing import Any

from flask import Flask, jsonify, make_response, redirect, request

from studies.suggest.recorder import World, fields, meta

API_KEY = "AIzaSyD4k2mPq9LwXv7Tn3"
BUILD = "8f3a9c21d7"
CONFIG = f'<script>window.config = {{"apiKey": "{API_KEY}", "buildId": "{BUILD}"}};</script>'


def _token(world: World, size: int = 24) -> str:
    return base64.urlsafe_b64encode(world.random.randbytes(size)).decode().rstrip("=")


def woocommerce(world: World, clients: int) -> None:
    """A nonce, and a cart token that is signed anew in each response."""
    app = Flask("woo")

    def nonce(user: str, minute: int) -> str:
        return hashlib.blake2b(f"{user} {minute}".encode(), digest_size=5).hexdigest()

    @app.route("/wp-json/wc/store/v1/cart", methods=["GET"])
    @app.route("/wp-json/wc/store/v1/cart/<action>", methods=["POST"])
    @app.route("/wp-json/wc/store/v1/products", methods=["GET"])
    def cart(action: str = "") -> Any:
        held = request.headers.get("cart-token")
        payload = json.loads(base64.urlsafe_b64decode(held.split(".")[1] + "==")) if held else {}
        user = payload.get("user_id", f"t_{world.random.getrandbits(120):x}")
        key = f"{world.random.getrandbits(128):032x}"
        answer = jsonify(items=[{"key": key, "id": 4}, {"key": key[::-1], "id": 5}], total=3)
        claims = {"user_id": user, "exp": int(world.now_s) + 172_800, "iss": "store-api"}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        coded = [
            base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts
        ]
        answer.headers["Cart-Token"] = ".".join((*coded, _token(world, 32)))
        answer.headers["Nonce"] = nonce(user, int(world.now_s // 60))
        return answer

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://woo.example")
        answer = shopper.get("/wp-json/wc/store/v1/cart")
        for step in range(6):
            key = answer.json()["items"][0]["key"]
            headers = {"nonce": answer.headers["nonce"], "cart-token": answer.headers["cart-token"]}
            action = ("add-item", "remove-item", "update-item")[step % 3]
            answer = shopper.post(
                f"/wp-json/wc/store/v1/cart/{action}", json={"key": key}, headers=headers
            )


def sap(world: World, clients: int) -> None:
    """A token that is fetched, and sent with what writes."""
    app = Flask("sap")

    @app.route("/sap/opu/odata/orders", methods=["GET", "POST", "PATCH"])
    def orders() -> Any:
        answer = jsonify(d={"results": [{"etag": _token(world)}]})
        if request.headers.get("x-csrf-token") == "Fetch":
            answer.headers["x-csrf-token"] = _token(world, 18) + "=="
        answer.headers["etag"] = f'"{_token(world, 9)}"'
        answer.headers["sap-passport-id"] = _token(world)
        return answer

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://sap.example")
        for _ in range(2):
            got = shopper.get("/sap/opu/odata/orders", headers={"x-csrf-token": "Fetch"})
            for _ in range(3):
                headers = {
                    "x-csrf-token": got.headers["x-csrf-token"],
                    "if-match": got.headers["etag"],
                }
                shopper.patch("/sap/opu/odata/orders", json={"n": 1}, headers=headers)


def laravel(world: World, clients: int) -> None:
    """A cookie that is encrypted anew in each response, and a token of the session for forms."""
    app = Flask("laravel")
    app.secret_key = "k" * 32
    sessions: dict[str, str] = {}

    @app.route("/", methods=["GET"])
    @app.route("/cart", methods=["GET", "POST"])
    @app.route("/api/stock", methods=["POST"])
    def page() -> Any:
        session = request.cookies.get("laravel_session") or _token(world, 30)
        token = sessions.setdefault(session, _token(world, 30))
        answer = make_response(
            f'<html><head>{CONFIG}</head><form><input name="_token" value="{token}">'
            '<input name="product" value="SKU-99817-XL"></form></html>'
        )
        parts = {"iv": _token(world, 16), "value": _token(world, 48), "mac": _token(world, 32)}
        coded = base64.b64encode(json.dumps(parts).encode()).decode()
        answer.headers.add("Set-Cookie", f"XSRF-TOKEN={coded.replace('=', '%3D')}; path=/")
        answer.headers.add("Set-Cookie", f"laravel_session={session}; path=/; httponly")
        return answer

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://laravel.example")
        for step in range(4):
            page_of = shopper.get("/" if step % 2 else "/cart")
            shopper.post("/cart", data={**fields(page_of), "count": "1"})
            cookie = shopper.cookies["XSRF-TOKEN"].replace("%3D", "=")
            headers = {"x-xsrf-token": cookie, "x-api-key": API_KEY}
            shopper.post("/api/stock", json={"sku": "SKU-99817-XL"}, headers=headers)


def magento(world: World, clients: int) -> None:
    """A guest's cart whose id is the whole answer, then in the path; a customer's token."""
    app = Flask("magento")

    @app.post("/rest/V1/guest-carts")
    def create() -> Any:
        return jsonify(_token(world))

    @app.post("/rest/V1/integration/customer/token")
    def login() -> Any:
        return jsonify(_token(world))

    @app.route("/rest/V1/guest-carts/<cart>/<part>", methods=["GET", "POST", "PUT"])
    def act(cart: str, part: str) -> Any:
        return jsonify(item_id=3, sku="MH01-XS-Black", quote=1)

    @app.get("/rest/V1/<part>/mine")
    def mine(part: str) -> Any:
        return jsonify(id=7)

    @app.get("/rest/V1/products")
    def products() -> Any:
        return jsonify(items=[{"uid": _token(world, 9)} for _ in range(4)])

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://magento.example")
        shopper.get("/rest/V1/products")
        cart = shopper.post("/rest/V1/guest-carts").json()
        for part in ("items", "items", "totals", "shipping-information", "items"):
            shopper.post(
                f"/rest/V1/guest-carts/{cart}/{part}",
                json={"cartItem": {"sku": "MH01-XS-Black", "qty": 1, "quote_id": cart}},
            )
        bearer = {
            "authorization": f"Bearer {shopper.post('/rest/V1/integration/customer/token').json()}"
        }
        for part in ("customers", "carts"):
            shopper.get(f"/rest/V1/{part}/mine", headers=bearer)


def servlet(world: World, clients: int) -> None:
    """Sessions in the path, and one-time tokens of forms."""
    app = Flask("servlet")

    @app.route("/shop/<path:rest>", methods=["GET", "POST"])
    def page(rest: str) -> Any:
        name, _, session = rest.partition(";jsessionid=")
        if not session:
            return redirect(f"/shop/{name};jsessionid={world.random.getrandbits(128):032X}")
        links = "".join(
            f'<a href="/shop/{n};jsessionid={session}">{n}</a>' for n in ("cart", "list")
        )
        token = f"{world.random.getrandbits(128):032x}"
        name = "org.apache.struts.taglib.html.TOKEN"
        return f'{links}<form><input name="{name}" value="{token}"></form>'

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://servlet.example")
        page_of = shopper.get("/shop/index")
        session = str(page_of.url).rpartition("=")[2]
        for name in ("list", "cart", "list", "order"):
            page_of = shopper.get(f"/shop/{name};jsessionid={session}")
            shopper.post(f"/shop/order;jsessionid={session}", data=fields(page_of))


def rails(world: World, clients: int) -> None:
    """A token of the session, masked by a one-time pad in each place of each page."""
    app = Flask("rails")
    secrets: dict[str, bytes] = {}

    def masked(secret: bytes) -> str:
        pad = world.random.randbytes(32)
        mixed = bytes(a ^ b for a, b in zip(pad, secret, strict=True))
        return base64.b64encode(pad + mixed).decode()

    @app.route("/<path:name>", methods=["GET", "POST", "DELETE"])
    def page(name: str) -> Any:
        session = request.cookies.get("_shop_session") or _token(world, 40)
        secret = secrets.setdefault(session, world.random.randbytes(32))
        answer = make_response(
            f'<html><head><meta name="csrf-token" content="{masked(secret)}"></head><form>'
            f'<input type="hidden" name="authenticity_token" value="{masked(secret)}"></form>'
        )
        answer.set_cookie("_shop_session", session)
        return answer

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://rails.example")
        for name in ("home", "cart", "orders", "home"):
            page_of = shopper.get(f"/{name}")
            shopper.post(f"/{name}", data=fields(page_of))
            shopper.delete(f"/{name}", headers={"x-csrf-token": meta(page_of, "csrf-token")})


def cloud(world: World, clients: int) -> None:
    """A session token in XML, a scroll, a cart whose id is state; a feed with a cursor."""
    app = Flask("cloud")

    @app.post("/")
    def assume() -> Any:
        key = f"ASIA{world.random.getrandbits(64):016X}"
        text = (
            "<AssumeRoleResponse><Credentials>"
            f"<AccessKeyId>{key}</AccessKeyId><SessionToken>{_token(world, 90)}</SessionToken>"
            "</Credentials></AssumeRoleResponse>"
        )
        return make_response(text, 200, {"content-type": "text/xml"})

    @app.route("/bucket/<name>", methods=["GET", "PUT"])
    def thing(name: str) -> Any:
        return make_response(b"", 200, {"x-amz-request-id": _token(world, 12)})

    @app.post("/logs/_search")
    @app.post("/_search/scroll")
    def scroll() -> Any:
        return jsonify(
            _scroll_id=_token(world, 60), hits={"hits": [{"_id": _token(world, 15)}] * 3}
        )

    @app.get("/feed")
    def feed() -> Any:
        return jsonify(items=[_token(world)], next_cursor=_token(world, 15))

    @app.post("/api/2026-01/graphql.json")
    def graphql() -> Any:
        asked = request.get_json()
        cart = (
            asked["variables"].get("cartId")
            or f"gid://shopify/Cart/{_token(world)}?key={_token(world)}"
        )
        return jsonify(data={"cartCreate": {"cart": {"id": cart}}})

    for number in range(clients):
        shopper = world.wsgi(number, app, "https://cloud.example")
        text = shopper.post("/", data={"Action": "AssumeRole"}).text
        token = text.partition("<SessionToken>")[2].partition("<")[0]
        for name in ("one", "two", "three"):
            shopper.put(f"/bucket/{name}", headers={"x-amz-security-token": token})
        held = shopper.post("/logs/_search", json={"size": 3}).json()
        for _ in range(4):
            held = shopper.post("/_search/scroll", json={"scroll_id": held["_scroll_id"]}).json()
        page = shopper.get("/feed").json()
        for _ in range(4):
            page = shopper.get("/feed", params={"cursor": page["next_cursor"]}).json()
        url = "/api/2026-01/graphql.json"
        made = shopper.post(url, json={"query": "mutation", "variables": {}}).json()
        cart = made["data"]["cartCreate"]["cart"]["id"]
        for _ in range(4):
            shopper.post(url, json={"query": "mutation", "variables": {"cartId": cart}})


def nothing(world: World, clients: int) -> None:
    """No state at all: handles, constants, echoes, cursors, correlation ids, followed addresses."""
    app = Flask("nothing")

    @app.get("/")
    def home() -> Any:
        video = _token(world, 8)
        return (
            f"<html>{CONFIG}<script src='/app.js?v=8f3a9c21d7'></script>"
            f'<form><input name="product" value="{_token(world, 9)}"></form>'
            f'<a href="/watch?v={video}&list={_token(world, 12)}">{video}</a></html>'
        )

    @app.get("/watch")
    def watch() -> Any:
        return jsonify(
            related=[{"videoId": _token(world, 8)} for _ in range(5)], trace_id=_token(world)
        )

    @app.post("/orders")
    def order() -> Any:
        return jsonify(id=_token(world, 12), status="open")

    @app.get("/orders/<name>")
    def shown(name: str) -> Any:
        return jsonify(id=name)

    @app.get("/start")
    def start() -> Any:
        return redirect(f"/callback?code={_token(world)}&state={request.args['state']}")

    @app.get("/callback")
    def callback() -> Any:
        return "ok"

    @app.post("/collect")
    def collect() -> Any:
        return jsonify(cid=request.get_json()["cid"], request_id=_token(world))

    for number in range(clients):
        visitor = world.wsgi(number, app, "https://nothing.example")
        cid, trace = _token(world, 12), ""
        for _ in range(4):
            page = visitor.get("/", headers={"x-trace-id": trace} if trace else {})
            link = page.text.partition('href="')[2].partition('"')[0]
            found = visitor.get(link).json()
            trace = found["trace_id"]
            visitor.get("/watch", params={"v": found["related"][1]["videoId"]})
            visitor.get("/app.js", params={"v": BUILD})
            headers = {"x-api-key": API_KEY, "x-build-id": BUILD}
            visitor.post("/collect", json={"cid": cid, "build": BUILD}, headers=headers)
            made = visitor.post("/orders", data=fields(page)).json()
            visitor.get(f"/orders/{made['id']}")
            visitor.get("/start", params={"state": _token(world)})
