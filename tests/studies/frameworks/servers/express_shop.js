// A shop on express-session, its sessions in a store with a time to live, as those on Redis have it.
//
//     node express_shop.js PORT LEDGER LIFETIME_S REMEMBER_S
//
// A session begins with the login. Its cookie has no expiry of its own. A visitor whose session is
// over is refused with 401. Two more cookies come with a login: `remember`, which says when it is over,
// and `account`, which goes to one path.

const { appendFileSync } = require("node:fs");
const { createHash, randomBytes } = require("node:crypto");
const express = require("express");
const session = require("express-session");

const [port, ledger, lifetime, remembered] = process.argv.slice(2);

const digest = (name) => createHash("sha256").update(name).digest("hex").slice(0, 16);
const note = (line) => appendFileSync(ledger, JSON.stringify(line) + "\n");

class ExpiringStore extends session.MemoryStore {
  constructor(seconds) {
    super();
    this.seconds = seconds;
    this.until = new Map();
  }
  renew(id) {
    this.until.set(id, Date.now() + this.seconds * 1000);
  }
  get(id, done) {
    if (this.until.has(id) && this.until.get(id) < Date.now()) {
      note({ event: "end", session: digest(id), why: "expired" });
      this.until.delete(id);
      return super.destroy(id, () => done());
    }
    return super.get(id, done);
  }
  set(id, value, done) {
    this.renew(id);
    return super.set(id, value, done);
  }
  touch(id, value, done) {
    this.renew(id);
    return super.touch(id, value, done);
  }
}

const shop = express();
shop.disable("x-powered-by");
shop.use(express.json());
shop.use(
  session({
    secret: "not a secret: a server of a study on the loopback address",
    store: new ExpiringStore(Number(lifetime)),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", secure: false },
  }),
);

shop.post("/api/login", (request, response) => {
  const old = request.session.user && request.sessionID;
  request.session.regenerate(() => {
    request.session.user = request.body.user;
    const client = request.get("x-client") || request.get("user-agent");
    if (old) note({ event: "renew", session: digest(old), successor: digest(request.sessionID) });
    else note({ event: "begin", session: digest(request.sessionID), client });
    const remember = { maxAge: remembered * 1000, httpOnly: true };
    response.cookie("remember", randomBytes(16).toString("hex"), remember);
    response.cookie("account", randomBytes(16).toString("hex"), { path: "/api/account" });
    response.json({ user: request.session.user });
  });
});

shop.use("/api/cart", (request, response, next) => {
  if (request.session.user) next();
  else response.status(401).json({ error: "log in" });
});
shop.get("/api/cart", (request, response) => response.json({ items: request.session.items || 0 }));
shop.post("/api/cart", (request, response) => {
  request.session.items = (request.session.items || 0) + 1;
  response.status(201).json({ items: request.session.items });
});

shop.get("/api/account", (request, response) => {
  const known = (request.get("cookie") || "").includes("account=");
  response.status(known ? 200 : 403).json({ known });
});

shop.post("/api/logout", (request, response) => {
  note({ event: "end", session: digest(request.sessionID), why: "logout" });
  request.session.destroy(() => {
    for (const name of ["connect.sid", "remember"]) response.clearCookie(name);
    response.clearCookie("account", { path: "/api/account" });
    response.status(204).end();
  });
});

// Node closes an idle connection after five seconds, and a proxy that uses it then answers with 502.
shop.listen(Number(port), "127.0.0.1").keepAliveTimeout = 600_000;
