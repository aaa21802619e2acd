"""Random histories through the rules and a real Chromium: `python -m studies.cookies.run`.

First the cases of `support.cookie_cases` and as many random fields, then the histories, half of
them in a browser that keeps third parties' cookies and half in one that does not. Prints how many
differ, with a few of them, and exits 1 if one does.
"""

import argparse
import asyncio
import datetime as dt
import sys
import time
from collections import Counter

from studies.cookies.browser import Tab, chromium, new_tab
from studies.cookies.histories import HTTP_DATE, History, Page, Step, history
from studies.cookies.judge import Received, differences
from studies.cookies.servers import Servers, options_for, servers
from studies.cookies.singles import numbered, singles
from studies.cookies.ways import FETCH, FORM, FRAME, FRAMED, LINK

TABS = 4
SHOWN = 20
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def main(arguments: list[str] | None = None) -> int:
    """Compare; 0 if nothing differs."""
    parser = argparse.ArgumentParser(prog="studies.cookies.run", description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the number of the first history")
    parser.add_argument("--seed", type=int, default=62_65)
    options = parser.parse_args(arguments)
    return asyncio.run(_main(options))


async def _main(options: argparse.Namespace) -> int:
    print(f"seed {options.seed}")
    numbers = range(options.first, options.first + options.histories)
    async with servers() as both:
        differing = await singles(both, numbers, options.seed)
        for third_parties in (True, False):
            mine = [number for number in numbers if bool(number % 2) == third_parties]
            differing += await _histories(both, mine, options.seed, third_parties=third_parties)
    return 1 if differing else 0


async def _histories(both: Servers, numbers: list[int], seed: int, *, third_parties: bool) -> int:
    """The number of histories that differ."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    waiting = [history(number, seed, now) for number in numbers]
    # From the same page on one after the other: fewer pages to open.
    waiting.sort(key=lambda one: one.start)
    counts: Counter[str] = Counter()
    lines: dict[int, list[str]] = {}
    began = time.perf_counter()

    async def work(tab: Tab, mine: list[History]) -> None:
        page = None
        for one in mine:
            received, kept, page = await _play(both, tab, one, page, now)
            found = differences(one, received, kept, third_parties=third_parties, counts=counts)
            if those := list(found):
                lines[one.number] = those

    async with chromium(*options_for(both.ports), third_parties=third_parties) as browser:
        tabs = [await new_tab(browser, own_jar=True) for _ in range(TABS)]
        size = -(-len(waiting) // TABS) or 1
        shares = [waiting[at : at + size] for at in range(0, len(waiting), size)]
        async with asyncio.TaskGroup() as group:
            for tab, share in zip(tabs, shares, strict=False):
                group.create_task(work(tab, share))
    kept_out = "" if third_parties else ", third parties kept out"
    print(
        f"{len(waiting)} histories{kept_out}: {len(lines)} differ "
        f"({time.perf_counter() - began:.0f} s)"
    )
    print("   ", ", ".join(f"{count} {what}" for what, count in counts.most_common()))
    for those in list(lines.values())[:SHOWN]:
        print(*(f"    {line}" for line in those[:3]), sep="\n")
    return len(lines)


async def _play(
    both: Servers, tab: Tab, one: History, page: Page | None, now: dt.datetime
) -> tuple[list[Received | None], list[dict[str, object]], Page]:
    """What came to the servers, the jar at the end, and the page that is left."""
    if page != one.start:
        page = one.start
        await tab.open(f"{page.scheme}://{page.host}/")
    await tab.clear()
    received: list[Received | None] = []
    for step in one.steps:
        fields = [f"Set-Cookie: {field}".encode() for field in step.fields]
        date_us = None
        if step.skew_s is not None:
            date = now + dt.timedelta(seconds=step.skew_s)
            date_us = (date - EPOCH) // dt.timedelta(microseconds=1)
            fields.append(f"Date: {date.strftime(HTTP_DATE)}".encode())
        number = both.expect(fields, step.status)
        url = f"{step.target.scheme}://{step.target.host}{numbered(step.path, number)}"
        asked_us = time.time_ns() // 1000
        await _ask(tab, step, url)
        done_us = time.time_ns() // 1000
        came = both.received(number)
        received.append(
            Received(asked_us, came[0], done_us, came[1], date_us) if came is not None else None
        )
        if step.way in ("type", "link", "form"):
            page = step.target
        await asyncio.sleep(step.pause_s)
    return received, await tab.cookies(), page


async def _ask(tab: Tab, step: Step, url: str) -> None:
    match step.way:
        case "type":
            await tab.open(url)
        case "link":
            await tab.follow(LINK.format(url=url))
        case "form":
            await tab.follow(FORM.format(url=url, method=step.method))
        case "fetch":
            await tab.run(FETCH.format(url=url, method=step.method))
        case "frame":
            await tab.run(FRAME.format(url=url))
        case "framed":
            around = f"{step.target.scheme}://{step.target.host}/frame"
            await tab.run(FRAMED.format(url=url, around=around))


if __name__ == "__main__":
    sys.exit(main())
