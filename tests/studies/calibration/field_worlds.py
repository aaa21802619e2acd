"""Field worlds: captures of servers with field policies, drawn by a seed.

Enters: a policy, how many values the capture sees, a seed. Leaves: `World`: the exchanges and the
truth. In half of the worlds one backend sends the requests of all users; in a third of the rest
users share an address.

Users come in visits with log-normal pauses, read mostly and write now and then, log in where the
policy is about that, leave for good, and others come.
"""

import heapq
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from statetrail.schema import EXCHANGES, FACTS, ISSUED, PRESENTED
from studies.calibration.field_policies import FieldServer, draw_server
from studies.simulation import facts

NOTHING: Final = -1
DAY_S: Final = 86_400.0
_FAMILIES: Final = {"development": 11, "held-out": 12}
_AGENTS: Final = ("shop-app/4.2", "backend/2.0")
_MOST: Final = 60_000


@dataclass(frozen=True, slots=True)
class World:
    """One capture.

    Attributes
    ----------
    rows
        Columns of the exchanges: sent, response_start, ended (s), user, presented, issued, write,
        login, refused.
    key
        What tells its values from those of others.
    holder
        Position in `studies.simulation.facts.HOLDERS`.
    grain_us
        Grain of the capture's clock readings.
    peers
        Of each user, the peer whose requests these are.
    server
        The truth.
    ends
        Recorded uses that found their value ended.
    outlived_s, fatal_s
        The longest recorded idle time survived, and the shortest that was not, by the server's
        clock.
    """

    rows: np.ndarray[Any, np.dtype[np.float64]]
    key: int
    holder: int
    grain_us: int
    peers: tuple[int, ...]
    server: FieldServer
    ends: int
    outlived_s: float
    fatal_s: float


@dataclass(slots=True)
class _User:
    number: int
    value: int = NOTHING
    left: int = 0
    burst: int = 0
    logs_in: bool = False
    pause_s: float = 0.0


def draw_world(name: str, values: int, seed: int, *, family: str = "development") -> World:
    """A capture that sees so many values; the same arguments give the same one."""
    seeds = np.random.SeedSequence([_FAMILIES[family], zlib.crc32(name.encode()), values, seed])
    rng = np.random.default_rng(seeds)
    at_once = max(3, round(values * rng.uniform(0.08, 0.25)))
    brief = name == "two weeks in a day"
    if brief:
        at_once = values
    server = draw_server(name, rng, at_once)
    return _Play(server, values, at_once, rng, brief=brief).world(int(seeds.generate_state(1)[0]))


class _Play:
    """Users and a server in the order of the requests."""

    def __init__(
        self,
        server: FieldServer,
        values: int,
        at_once: int,
        rng: np.random.Generator,
        *,
        brief: bool,
    ) -> None:
        self.server, self.values, self.rng, self.at_once = server, values, rng, at_once
        self.brief = brief
        low, high, narrow, wide = (0.02, 0.15, 0.8, 1.4) if server.age_s < DAY_S else (
            0.15, 0.8, 1.0, 1.8
        )  # fmt: skip
        self.pause_s = server.scale_s * math.exp(rng.uniform(math.log(low), math.log(high)))
        self.spread = rng.uniform(narrow, wide) if server.midnight_s is None else 0.8
        self.latency_s = math.exp(rng.uniform(math.log(0.01), math.log(0.2)))
        self.step_s = min(server.scale_s / 100, 8.0) * rng.uniform(0.3, 1)
        self.stay = rng.uniform(15, 60)
        self.writes = rng.uniform(0.1, 0.4)
        self.logs_in = rng.uniform(0.3, 0.6) if server.login_s else 0.0
        self.renews_at_login = rng.random() < 0.5
        self.rejects = rng.random() < 0.2
        self.queue: list[tuple[float, int, _User]] = []
        self.users: list[_User] = []
        self.rows: list[tuple[float, ...]] = []
        self.seen: set[int] = set()
        self.ends, self.outlived, self.fatal = 0, 0.0, math.inf

    def world(self, key: int) -> World:
        rng = self.rng
        begin = rng.uniform(0, DAY_S)
        begun = begin + (0.0 if self.brief or rng.random() < 0.4 else 4 * self.pause_s)
        deploys = self.server.deploys_s
        self.server.deploys_s = tuple(begun + moment for moment in deploys)
        until = begun + DAY_S if self.brief else math.inf
        for _ in range(self.at_once):
            self._arrive(begin + rng.uniform(0, 4 * self.pause_s), begun)
        while self.queue and len(self.rows) < _MOST:
            now, _, user = heapq.heappop(self.queue)
            if now > until or not self._request(user, now, now >= begun):
                break
        holder = int(rng.choice(2, p=(0.6, 0.4)))
        backend = rng.random() < 0.5
        shared = 1 if rng.random() < 0.67 else 3
        peers = tuple(0 if backend else user.number // shared for user in self.users)
        grain = 1_000_000 if self.server.floor_s and rng.random() < 0.5 else 1
        rows = np.array(self.rows, dtype=np.float64).reshape(-1, 9)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        return World(
            rows, key, holder, grain, peers, self.server, self.ends, self.outlived, self.fatal
        )

    def _arrive(self, at: float, begun: float) -> None:
        rng = self.rng
        user = _User(len(self.users), left=int(rng.geometric(1 / self.stay)))
        user.logs_in = rng.random() < self.logs_in
        user.pause_s = self.pause_s * math.exp(0.3 * rng.standard_normal())
        if self.brief:
            # Its session began within the last month, and was used within the last days.
            server = self.server
            user.value = server.issue(begun - rng.uniform(0, min(server.age_s, 14 * DAY_S)))
            held = server.held[user.value]
            held.noted = held.used = max(held.born, begun - rng.uniform(0, 2 * DAY_S))
        self.users.append(user)
        heapq.heappush(self.queue, (at, user.number, user))

    def _request(self, user: _User, now: float, seeing: bool) -> bool:
        """One request and its answer; false where the capture ends before it."""
        rng, server = self.rng, self.server
        latency = self.latency_s * math.exp(0.5 * rng.standard_normal())
        looked, response_start = now + np.sort(rng.random(2)) * latency
        shown, login = user.value, False
        if shown >= 0 and user.logs_in and not server.held[shown].login:
            login = rng.random() < 0.5
        idle = 0.0 if shown < 0 else looked - server.held[shown].used
        write = login or rng.random() < self.writes
        left, refused, ended = shown, False, False
        if shown < 0:
            left = server.issue(looked)
        elif not server.use(shown, looked, write=write, login=login):
            ended = True
            refused = self.rejects
            left = NOTHING if refused else server.issue(looked)
            login = False
        elif login and self.renews_at_login:
            server.held[shown].dead = True
            left = server.issue(looked, login=True)
        if seeing:
            fresh = {value for value in (shown, left) if value >= 0} - self.seen
            if len(self.seen) + len(fresh) > self.values:
                return False
            self.seen |= fresh
            self.ends += ended
            if ended:
                self.fatal = min(self.fatal, idle)
            else:
                self.outlived = max(self.outlived, idle)
            done = now + latency
            self.rows.append(
                (now, response_start, done, user.number, shown, left, write, login, refused)
            )
        user.value = left
        self._plan(user, now + latency)
        return True

    def _plan(self, user: _User, now: float) -> None:
        rng = self.rng
        if user.burst > 0:
            user.burst -= 1
            at = now + self.step_s * math.exp(0.8 * rng.standard_normal())
        else:
            user.left -= 1
            user.burst = int(rng.geometric(1 / 3)) - 1
            at = now + user.pause_s * math.exp(self.spread * rng.standard_normal())
        if user.left <= 0 and not self.brief:
            self._arrive(now + rng.exponential(self.pause_s), -math.inf)
            return
        heapq.heappush(self.queue, (at, user.number, user))


def tables(worlds: Sequence[World]) -> dict[str, pa.Table]:
    """The fact tables of these worlds, each with a host of its own."""
    sizes = [len(world.rows) for world in worlds]
    number = np.repeat(np.arange(len(worlds)), sizes)
    holder = np.repeat(np.array([world.holder for world in worlds], dtype=np.int64), sizes)
    key = np.repeat(np.array([world.key for world in worlds], dtype=np.int64), sizes)
    columns = np.concatenate([world.rows for world in worlds])
    user, presented, issued = (columns[:, n].astype(np.int64) for n in (3, 4, 5))
    write, login, refused = (columns[:, n] > 0 for n in (6, 7, 8))
    peer = np.concatenate(
        [np.array(w.peers, dtype=np.int64)[w.rows[:, 3].astype(np.int64)] for w in worlds]
    )
    grain = np.repeat(np.array([world.grain_us for world in worlds]), sizes)
    times = [
        facts.START_US + cut(columns[:, n] * 1e6).astype(np.int64) // grain * grain
        for n, cut in enumerate((np.floor, np.floor, np.ceil))
    ]
    ids = np.arange(1, len(number) + 1)
    names = ("Cart", "Product", "Order", "Login"), ("baskets", "products", "menus", "login")
    paths = [f"/shop/API/V3/{n}" for n in names[0]] + [f"/services/v3/{n}" for n in names[1]]
    place = np.where(holder == 0, 0, 4) + np.where(login, 3, facts.fingerprints(number, ids) % 3)
    peers = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(int(peer.max()) + 1)]
    exchanges = facts.exchange_rows(
        ids,
        times,
        facts.pick(paths, place),
        peer=facts.pick(peers, peer),
        user_agent=facts.pick(_AGENTS, (user * 0).astype(np.int64)),
        method=facts.pick(("GET", "POST"), write.astype(np.int64)),
        host=facts.pick([facts.host(n) for n in range(len(worlds))], number),
        status=np.where(refused, 401, 200),
        dialects=facts.pick([param.dialect for param in facts.HOLDERS], holder),
    )
    # A shop keeps silent about a live ticket.
    told = (issued >= 0) & ((holder == 0) | (issued != presented))
    establishes = (presented < 0) & (holder == 0)
    shown = facts.fingerprints(np.where(establishes, 0, key), presented)
    carried, answered = np.flatnonzero(establishes | (presented >= 0)), np.flatnonzero(told)
    issues = (ids[answered], holder[answered], facts.fingerprints(key, issued)[answered])
    kind = facts.pick(("value", "establish"), establishes[carried].astype(np.int64))
    uses = (ids[carried], holder[carried], shown[carried])
    filled = {
        EXCHANGES.name: exchanges,
        ISSUED.name: facts.issued_rows(facts.HOLDERS, *issues, length=32, alphabet="lower+digit"),
        PRESENTED.name: facts.presented_rows(facts.HOLDERS, *uses, kind=kind),
    }
    return {t.name: filled.get(t.name, t.arrow.empty_table()) for t in FACTS}
