"""Random worlds of refresh tokens: a server that rotates, and clients of every shape."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import statetrail
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.records import Exchange, Response
from statetrail.store.sqlite import SqliteStore
from support.traffic import AT, exchange

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclass
class Server:
    """It rotates refresh tokens, takes a replaced one for `grace_s`, and else ends the family."""

    rng: random.Random
    grace_s: float
    family: dict[str, int] = field(default_factory=dict)
    replaced_at: dict[str, float] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def new(self, family: int) -> str:
        token = "".join(self.rng.choices("abcdefghkmnpqrstuvwxyzABCDEFGH23456789", k=32))
        self.family[token] = family
        return token

    def refresh(self, token: str, now: float) -> str | None:
        """A new token, or none: refused."""
        family = self.family[token]
        late = token in self.replaced_at and now - self.replaced_at[token] > self.grace_s
        if late or family in self.ended:
            self.ended.add(family)
            return None
        self.replaced_at.setdefault(token, now)
        return self.new(family)


@dataclass
class World:
    """Traffic of one server, as the proxy sees it; it decides in the middle of a request."""

    seed: int
    grace_s: float
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.server = Server(self.rng, self.grace_s)

    def login(self, at: float, peer: str) -> str:
        token = self.server.new(len(self.exchanges))
        self._add(
            at, peer, "grant_type=password", {"access_token": "A" * 24, "refresh_token": token}
        )
        return token

    def refresh(
        self, at: float, peer: str, token: str, *, lost: bool = False, access: str | None = None
    ) -> str | None:
        new = self.server.refresh(token, at + 0.01)
        answer = {"error": "invalid_grant"} if new is None else {"refresh_token": new}
        if new is not None and access is not None:
            answer["access_token"] = access
        sent = f"grant_type=refresh_token&refresh_token={token}"
        self._add(at, peer, sent, answer, 400 if new is None else 200, lost=lost)
        return new

    def use(self, at: float, peer: str, access: str) -> None:
        """A request with an access token."""
        head = {"Authorization": f"Bearer {access}"}
        self.exchanges.append(
            exchange("/orders", asked=head, flow_id=f"f{len(self.exchanges)}",
                     at=AT + round(at * 1e6), peer=peer)
        )  # fmt: skip

    def _add(
        self, at: float, peer: str, sent: str, answer: dict[str, Any], status: int = 200,
        *, lost: bool = False,
    ) -> None:  # fmt: skip
        body = json.dumps(answer).encode()
        one = exchange(
            "/token", method="POST", asked=FORM, answered=JSON, body=body, status=status,
            flow_id=f"f{len(self.exchanges)}", at=AT + round(at * 1e6), peer=peer,
        )  # fmt: skip
        request = msgspec.structs.replace(one.request, body=sent.encode())
        response = one.response
        if lost and isinstance(response, Response):
            response = msgspec.structs.replace(response, end_us=None)
        error = "client-disconnected" if lost else None
        self.exchanges.append(Exchange(one.flow_id, request, response, error))

    def recorded(self, folder: Path) -> statetrail.Recording:
        dialects = select("bearer")
        with SqliteStore.create_or_open(folder / "w.sqlite") as store:
            config = ExtractorConfig(dialects, store.fingerprinter)
            store.append_many([extract(each, config) for each in self.exchanges])
        return statetrail.open(folder / "w.sqlite", dialects=dialects)


def obedient(world: World, at: float, peer: str, times: int) -> tuple[str, float]:
    """Refreshes one after the other; the token, and when."""
    token = world.login(at, peer)
    for _ in range(times):
        at += world.rng.uniform(5, 600)
        new = world.refresh(at, peer, token)
        assert new is not None
        token = new
    return token, at + world.rng.uniform(5, 600)


def race(world: World) -> None:
    """Two tabs refresh at once, and both go on with what they were given."""
    token, at = obedient(world, 0, "192.0.2.1", world.rng.randrange(3))
    one = world.refresh(at, "192.0.2.1", token)
    two = world.refresh(at + world.rng.uniform(0, 0.02), "192.0.2.1", token)
    for delay, each in ((20, one), (30, two)):
        if each is not None:
            world.refresh(at + delay, "192.0.2.1", each)


def lost_response(world: World) -> None:
    """The answer is lost, with or without the proxy's seeing it, and the client tries again."""
    token, at = obedient(world, 0, "192.0.2.1", world.rng.randrange(3))
    world.refresh(at, "192.0.2.1", token, lost=world.rng.random() < 0.5)
    at += world.rng.uniform(1, 60)
    new = world.refresh(at, "192.0.2.1", token)
    if new is not None:
        world.refresh(at + 60, "192.0.2.1", new)


def theft(world: World) -> None:
    """Somebody else presents a token that its owner had replaced, and the owner goes on."""
    token, at = obedient(world, 0, "192.0.2.1", world.rng.randrange(3))
    new = world.refresh(at, "192.0.2.1", token)
    assert new is not None
    newer = world.refresh(at + 5, "192.0.2.1", new)
    world.refresh(at + world.rng.uniform(6, 5000), "198.51.100.9", token)
    if newer is not None:
        world.refresh(at + 6000, "192.0.2.1", newer)


SHAPES = {"race": race, "lost-response": lost_response, "theft": theft}


def named(shape: str, grace_s: float, seed: int, folder: Path) -> bool:
    """Whether one random world is named rightly, and who obeys beside it is left alone."""
    world = World(seed, grace_s)
    SHAPES[shape](world)
    obedient(world, 3, "192.0.2.77", 3)
    rows = statetrail.families(world.recorded(folder)).rows()
    by_client = {row["client"].split(" ")[0]: row for row in rows}
    beside = by_client["192.0.2.77"]
    alone = (beside["reuses"], beside["rotations"]) == (0, 3)
    return alone and by_client["192.0.2.1"]["fits"] == shape
