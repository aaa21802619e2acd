"""What a browser sent and kept, beside what the rules say.

Enters: a `History` with what the servers received, and the browser's jar at its end. Leaves: the
differences, one line each. Three things are compared:

1. each ``Cookie`` field with that of a jar which knows the client's context, its clock included;
2. Fetch Metadata with that context, where the browser sends any;
3. each ``Cookie`` field with what is *due* by the wire alone, which is less: all of it has to be
   there if the field is there.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from statetrail.dialects.cookies import store
from statetrail.dialects.cookies.request import Request
from statetrail.dialects.cookies.retrieval import obligation
from statetrail.dialects.cookies.set_cookie import pairs, parse
from statetrail.dialects.cookies.store import Identity, StoredCookie
from studies.cookies.histories import History, Page, Step
from support.jars import SECOND, Jar

SLACK_US = 10 * SECOND
"""How late the browser may be asked for its jar, and how late it may have noted a cookie."""
_FETCH = ("site", "mode", "dest", "storage-access")


class Received(NamedTuple):
    """A request as it came to the server, the fields by lower-case name.

    It was made between `asked_us` and `at_us`, and its answer noted between `at_us` and `done_us`.
    """

    asked_us: int
    at_us: int
    done_us: int
    fields: dict[str, str]
    date_us: int | None


def context_of(page: Page, step: Step, *, third_parties: bool) -> tuple[Request, str]:
    """What the browser knows of a request, and the partition of its cookies."""
    target = step.target
    apart = page.site != target.site
    if step.way in ("type", "link", "form"):
        mode, dest, access, partition = "navigate", "document", None, f"{target.site} False"
    else:
        mode, dest = ("navigate", "iframe") if step.way == "frame" else ("no-cors", "empty")
        access = ("active" if third_parties else "none") if apart else None
        partition = f"{page.site} {apart}"
    if step.way == "type":
        site = "none"
    elif page == target or step.way == "framed":
        site = "same-origin"
    else:
        site = "cross-site" if apart else "same-site"
    request = Request(
        host=target.host,
        path=step.path,
        secure=target.scheme == "https",
        method=step.method,
        fetch_site=site,
        fetch_mode=mode,
        fetch_dest=dest,
        storage_access=access,
    )
    return request, partition


def differences(
    history: History,
    received: list[Received | None],
    kept: list[dict[str, Any]],
    *,
    third_parties: bool,
    counts: Counter[str],
) -> Iterator[str]:
    """Each difference, as a line."""
    # The browser is as late with a cookie as it can be, or as early.
    late, early, wire = Jar(as_chromium=True), Jar(as_chromium=True), _Wire()
    page = history.start
    for number, (step, came) in enumerate(zip(history.steps, received, strict=True)):
        label = f"history {history.number}, step {number}"
        if came is None:
            yield f"{label}: no request came: {step}"
            return
        request, partition = context_of(page, step, third_parties=third_parties)
        sent = came.fields.get("cookie", "")
        expected = (
            late.header(request, now_us=came.asked_us, partition=partition),
            early.header(request, now_us=came.at_us, partition=partition),
        )
        counts["cookies sent"] += len(pairs(sent))
        if sent not in expected:
            yield f"{label}: sent {sent[:300]!r}, expected {expected[-1][:300]!r}"
        seen = _as_seen(request, came)
        if step.target.trustworthy and seen != request:
            yield f"{label}: Fetch Metadata differ: {seen} {request}"
        for value in wire.missing(seen, sent, came.at_us, counts):
            yield f"{label}: {value[:20]!r} would be blamed"
        for jar, now_us in ((late, came.done_us), (early, came.at_us)):
            jar.receive(
                request,
                list(step.fields),
                now_us=now_us,
                date_us=came.date_us,
                partition=partition,
            )
        wire.receive(seen, step.fields, came)
        if step.way in ("type", "link", "form"):
            page = step.target
    end_us = max(came.done_us for came in received if came is not None)
    yield from jars_differ(f"history {history.number}", late, kept, end_us)


def _as_seen(request: Request, came: Received) -> Request:
    """The request as a proxy sees it."""
    site, mode, dest, access = (came.fields.get(f"sec-fetch-{field}") for field in _FETCH)
    return Request(
        host=request.host,
        path=request.path,
        secure=request.secure,
        method=request.method,
        fetch_site=site,
        fetch_mode=mode,
        fetch_dest=dest,
        storage_access=access,
    )


class _Wire:
    """The cookies that a client is sure to keep, by what is on the wire."""

    def __init__(self) -> None:
        self._kept: dict[Identity, tuple[StoredCookie, str, int | None]] = {}

    def receive(self, request: Request, fields: tuple[str, ...], came: Received) -> None:
        """What may be ignored or deleted is not sure to be kept, nor is what it would replace."""
        for field in fields:
            cookie = parse(field)
            if cookie is None or store.refusal(cookie, request) is not None:
                continue
            stored = store.store(cookie, request)
            self._kept.pop(stored.identity, None)
            others = [each for each, _, _ in self._kept.values()]
            if store.ignored(cookie, request, others) is not None:
                continue
            if store.deletes(cookie, came.date_us) is not False:
                continue
            ends = store.lifetime(
                cookie,
                response_start_us=came.at_us,
                response_end_us=came.done_us,
                date_us=came.date_us,
            )
            self._kept[stored.identity] = stored, cookie.value, ends.may_end_us

    def missing(
        self, request: Request, sent: str, at_us: int, counts: Counter[str]
    ) -> Iterator[str]:
        """Values that are due and absent, or out of place and present."""
        present = pairs(sent)
        for stored, value, may_end_us in self._kept.values():
            sending, reason = obligation(stored, request)
            alive = may_end_us is None or may_end_us > at_us
            counts[f"{sending} {reason or ''}".strip() if alive else "ended"] += 1
            there = (stored.identity.name, value) in present
            if alive and sending == "due" and not there:
                yield value
            unique = value.startswith("v") and value[1:].isdigit()
            if reason in ("domain", "path", "secure") and there and unique:
                yield value


def jars_differ(label: str, jar: Jar, kept: list[dict[str, Any]], end_us: int) -> Iterator[str]:
    """What one jar has and the other has not, or has for another time.

    A cookie that ends soon after `end_us` may be gone from the browser's, and one
    whose lifetime user agents read differently is not compared in time.
    """
    ours, maybe, unclear = {}, set(), set()
    for (identity, partition), cookie in jar.cookies.items():
        same_site = (cookie.stored.same_site or "").title()
        key = (
            identity.name,
            cookie.value,
            identity.domain if identity.host_only else f".{identity.domain}",
            identity.path,
            cookie.stored.secure,
            cookie.stored.http_only,
            same_site,
            partition,
        )
        ours[key] = cookie.ends_us
        if cookie.end_unclear:
            unclear.add(key)
        if cookie.ends_us is not None and cookie.ends_us < end_us + SLACK_US:
            maybe.add(key)
    theirs = {}
    for cookie in kept:
        of = cookie.get("partitionKey")
        key = (
            *(cookie["name"], cookie["value"], cookie["domain"], cookie["path"]),
            *(cookie["secure"], cookie["httpOnly"], cookie.get("sameSite", "")),
            f"{of['topLevelSite']} {of['hasCrossSiteAncestor']}" if of else None,
        )
        theirs[key] = None if cookie["session"] else round(cookie["expires"] * SECOND)
    for key in ours.keys() - theirs.keys() - maybe - unclear:
        yield f"{label}: not in the browser's jar: {key}"
    for key in theirs.keys() - ours.keys():
        yield f"{label}: only in the browser's jar: {key}"
    for key in theirs.keys() & ours.keys() - unclear:
        one, other = ours[key], theirs[key]
        if (one is None) != (other is None) or abs((one or 0) - (other or 0)) > SLACK_US:
            yield f"{label}: ends at {other}, expected {one}: {key}"
