"""What the facts say of values that are judged by declarations, aligned with a bucket.

Enters: the facts of a bucket whose class is judged by declarations. Leaves: `Declarations`; `None`
for the class that is judged by sessions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.columnar.arrays import NOTHING, Bools, Ints, within
from statetrail.analyses.columnar.bucket import Bucket, bucket, issues_of
from statetrail.analyses.columnar.coding import coded, integers, paired
from statetrail.analyses.columnar.executor import artifact
from statetrail.analyses.columnar.settings import Settings, settings
from statetrail.dialects.cookies import store
from statetrail.dialects.cookies.request import Request
from statetrail.dialects.cookies.scope import canonical_host
from statetrail.dialects.cookies.set_cookie import Problem, SameSite, SetCookie
from statetrail.dialects.cookies.store import Identity, StoredCookie

SECOND_US: Final = 1_000_000

_CONTEXT: Final = (
    *("scheme", "host", "path", "method"),
    *("fetch_site", "fetch_mode", "fetch_dest", "fetch_storage_access"),
)
_COOKIE: Final = ("param", "cookie_domain", "cookie_path", "cookie_flags")
_COLUMNS: Final = {
    "exchanges": ("exchange_id", "has_cookies", "refused", *_CONTEXT),
    "issued": ("exchange_id", "dialect", "tells", "kind", "declared_s", *_COOKIE),
    "presented": ("exchange_id", "dialect", "param", "kind"),
}


@dataclass(frozen=True, slots=True)
class Declarations:
    """Columns beside those of a `Bucket`.

    Attributes
    ----------
    method, methods
        Of each exchange, as a place in the list.
    context, contexts
        What decides about cookies in each request, as a place in the list.
    has_cookies
        The request had a `Cookie` field.
    carries
        The request presents a credential of a dialect that is judged apart, such as a bearer token.
    refused
        Shape (exchanges, params): the response refuses the parameter.
    void
        By issue: it ends the value before, and is none.
    lifetime_us
        By issue: the lifetime that it declares; -1 for none.
    unclear
        By issue: when the value ends is read differently by user agents.
    cookie, cookies
        By issue: the cookie as a store keeps it, as a place in the list; -1 for what is none.
    identity
        By issue: a number of what makes two cookies the same; 0 for what is no cookie.
    refused_cookie
        By issue: no browser stores it.
    tells
        By issue: it shows that the origin speaks the dialect.
    """

    method: Ints
    methods: tuple[str, ...]
    context: Ints
    contexts: tuple[Request, ...]
    has_cookies: Bools
    carries: Bools
    refused: Bools
    void: Bools
    lifetime_us: Ints
    unclear: Bools
    cookie: Ints
    cookies: tuple[StoredCookie, ...]
    identity: Ints
    refused_cookie: Bools
    tells: Bools


@artifact(reads=_COLUMNS, needs=(settings, bucket))
def declarations(
    facts: Mapping[str, Any], options: Settings, bucket: Bucket
) -> Declarations | None:
    """What a bucket's facts say of values that are judged by declarations."""
    if not bucket.declared:
        return None
    exchanges = bucket.exchanges
    rows = facts["exchanges"]
    ids = integers(rows["exchange_id"])
    order = np.argsort(ids)
    table = rows.take(pa.array(order[np.searchsorted(ids[order], exchanges.id)]))
    method, methods = coded(table["method"])
    context, contexts = _contexts(table)
    issued, issuing = issues_of(facts["issued"], bucket)
    flags, words = coded(issued["cookie_flags"])
    said = [(word or "").split(",") for word in words]
    cookie, cookies, refused = _cookies(issued, context[issuing], contexts)
    names = [each.identity for each in cookies]
    numbers: dict[Identity, int] = {}
    identities = [numbers.setdefault(name, len(numbers) + 1) for name in names]
    lifetime_s = integers(issued["declared_s"], missing=NOTHING)
    return Declarations(
        method=method,
        methods=tuple(word or "" for word in methods),
        context=context,
        contexts=contexts,
        has_cookies=integers(table["has_cookies"]) == 1,
        carries=_carries(facts["presented"], options, bucket),
        refused=_refused(table["refused"], bucket),
        void=pc.fill_null(pc.equal(issued["kind"], "void"), False).to_numpy(zero_copy_only=False),
        lifetime_us=np.where(lifetime_s >= 0, lifetime_s * SECOND_US, NOTHING),
        unclear=np.array(["unclear" in each for each in said], dtype=np.bool_)[flags],
        cookie=cookie,
        cookies=cookies,
        identity=np.array([*identities, 0], dtype=np.int64)[cookie],
        refused_cookie=refused,
        tells=integers(issued["tells"]) == 1,
    )


def _carries(presented: pa.Table, options: Settings, bucket: Bucket) -> Bools:
    """The requests with a credential of a dialect of another class."""
    own = {dialect.name for dialect in bucket.dialects}
    others = {d.name: d for one in options.classes for d in one.dialects if d.name not in own}

    def is_credential(dialect: str, name: str) -> bool:
        param = others[dialect].param(name) if dialect in others else None
        return param is not None and param.minted and param.credential is not False

    pair, names = paired(coded(presented["dialect"]), coded(presented["param"]))
    credential = np.array([is_credential(*each) for each in names], dtype=np.bool_)[pair]
    credential &= pc.equal(presented["kind"], "value").to_numpy(zero_copy_only=False)
    ids = integers(presented["exchange_id"])[credential]
    carries: Bools = within(bucket.exchanges.id, ids)
    return carries


def _contexts(table: pa.Table) -> tuple[Ints, tuple[Request, ...]]:
    """What decides about cookies in each request."""
    code = np.zeros(len(table), dtype=np.int64)
    columns = [coded(table[name]) for name in _CONTEXT]
    for place, words in columns:
        _, code = np.unique(code * len(words) + place, return_inverse=True)
    _, firsts = np.unique(code, return_index=True)
    scheme, host, path, method, *fetch = (
        [words[n] for n in place[firsts].tolist()] for place, words in columns
    )
    site, mode, dest, access = fetch
    return code, tuple(
        Request(
            host=canonical_host(host[at] or ""),
            path=path[at] or "/",
            secure=scheme[at] == "https",
            method=method[at] or "GET",
            fetch_site=site[at],
            fetch_mode=mode[at],
            fetch_dest=dest[at],
            storage_access=access[at],
        )
        for at in range(len(firsts))
    )


def _cookies(
    issued: pa.Table, context: Ints, contexts: tuple[Request, ...]
) -> tuple[Ints, tuple[StoredCookie, ...], Bools]:
    """The cookies of the issues as they are stored, and which no browser stores."""
    columns = [coded(issued[name]) for name in _COOKIE]
    code = context.copy()
    for place, words in columns:
        _, code = np.unique(code * len(words) + place, return_inverse=True)
    _, firsts = np.unique(code, return_index=True)
    known: dict[StoredCookie, int] = {}
    place_of, refused = np.empty(len(firsts), np.int64), np.zeros(len(firsts), np.bool_)
    for at, first in enumerate(firsts.tolist()):
        name, domain, path, flags = (words[place[first]] for place, words in columns)
        if flags is None:
            place_of[at] = NOTHING
            continue
        cookie, request = (
            _set_cookie(name, domain, path, flags.split(",")),
            contexts[context[first]],
        )
        place_of[at] = known.setdefault(store.store(cookie, request), len(known))
        refused[at] = store.refusal(cookie, request) is not None
    if not len(firsts):
        return code, (), np.zeros(0, dtype=np.bool_)
    return place_of[code], tuple(known), refused[code]


def _set_cookie(name: str, domain: str | None, path: str | None, flags: list[str]) -> SetCookie:
    same_site = next((each[9:] for each in flags if each.startswith("samesite=")), None)
    problem = next((each[8:] for each in flags if each.startswith("refused=")), None)
    return SetCookie(
        name=name,
        value="x",
        domain=domain,
        path=path,
        secure="secure" in flags,
        http_only="httponly" in flags,
        same_site=cast("SameSite | None", same_site),
        partitioned="partitioned" in flags,
        problem=cast("Problem | None", problem),
    )


def _refused(column: pa.ChunkedArray, bucket: Bucket) -> Bools:
    place, lists = coded(column)
    names = [f"{dialect}:{param}" for dialect, param in bucket.params]
    rows = [[name in (words or "").split(",") for name in names] for words in lists]
    grid: Bools = np.array(rows, dtype=np.bool_).reshape(len(lists), len(names))[place]
    return grid
