"""The recorder: mitmproxy's hooks, from the head of a request to its exchange in the store.

Enters: flows, which are only read. Leaves: their facts, given to the journal. An exception in here
never reaches the traffic: it is logged, counted, and noted in the store.
"""

import asyncio
import atexit
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mitmproxy import ctx, flowfilter
from mitmproxy.addonmanager import Loader
from mitmproxy.exceptions import OptionsError
from mitmproxy.hooks import UpdateHook
from mitmproxy.http import HTTPFlow

from statetrail.dialects import Dialect, select
from statetrail.dialects.places import ISSUE_PARTS
from statetrail.errors import StatetrailError, UsageError
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract
from statetrail.extract.records import Exchange, Request
from statetrail.ingest.flow import (
    Answer,
    BodySniffer,
    Stream,
    answer_of,
    exchange_of,
    may_stream_later,
    request_of,
    watch_stream,
)
from statetrail.store.keys import forget_key
from statetrail.store.live.entry import JournalEntry
from statetrail.store.live.journal import Journal
from statetrail_addons._commands import Commands
from statetrail_addons._proxy_log import LOGGER, QuietProxyLog
from statetrail_addons._settings import (
    OPTIONS,
    Target,
    is_monitored,
    overridden,
    requested,
    target_of,
    unusable,
)
from statetrail_addons._totals import Totals

if TYPE_CHECKING:
    from statetrail_addons._monitoring import Monitoring

logger = logging.getLogger(__name__)

ROUNDS: Final = 6
"""Turns of the event loop that a response waits for others at most, to share their commit."""
BRIEF_S: Final = 50e-6
"""A turn that took no longer had nothing else to do: there is nothing to wait for."""
MAX_FLOWS: Final = 50_000
"""Flows under way that are kept; of earlier ones the header fields are read at their end."""


@dataclass(slots=True, eq=False)
class Live:
    """A flow under way."""

    request: Request
    answer: Answer | None = None
    sniffer: BodySniffer | None = None
    entry: JournalEntry | None = None
    issued: int = 0
    subject: tuple[int, str, str] | None = None
    """What the judge knows it by."""


class RecordState(Commands):
    """The recorder."""

    def __init__(self) -> None:
        self._config: ExtractorConfig | None = None
        self._filter: flowfilter.TFilter | None = None
        self._flows: OrderedDict[str, Live] = OrderedDict()
        self._target: Target | None = None
        self._runs = False
        self._unusable = False
        self._totals = Totals() if requested() else None
        self._streams_late = False
        self._silent_until = 0.0
        self._not_understood = 0
        self._held: list[tuple[HTTPFlow, asyncio.Future[None]]] = []
        self._monitoring: Monitoring | None = None

    def load(self, loader: Loader) -> None:
        if (problem := unusable(ctx.options)) is not None:
            # mitmproxy would drop the recorder and run on, silently.
            self._unusable = True
            self._refuse(problem)
            return
        for name, default, text in OPTIONS:
            loader.add_option(name, str, default, text)
        atexit.register(self._end)

    def configure(self, updated: set[str]) -> None:
        options = ctx.options
        if "stream_large_bodies" in updated:
            self._streams_late = bool(options.stream_large_bodies)
        if not any(name in updated for name, _, _ in OPTIONS) or self._unusable:
            return
        try:
            if (problem := overridden(options)) is not None:
                raise UsageError(problem)
            dialects = select(options.statetrail_dialects)
            expression = options.statetrail_filter
            self._filter = flowfilter.parse(expression) if expression else None
            self._open()
            self._configure_judge(dialects)
        except (StatetrailError, ValueError, OSError) as error:
            self._refuse(str(error))
            return
        assert self.journal is not None
        self._config = ExtractorConfig(
            dialects=dialects,
            fingerprinter=self.journal.fingerprinter,
            clear=frozenset(n.strip() for n in options.statetrail_clear.split(",") if n.strip()),
            client_header=options.statetrail_client_header.strip().lower() or None,
        )

    def _configure_judge(self, dialects: Sequence[Dialect]) -> None:
        """Judge, and let monitoring have the counts, as the options say. Raises `UsageError`."""
        live = ctx.options.statetrail_live == "on"
        monitored = is_monitored(ctx.options)
        if self._monitoring is None and monitored:
            from statetrail_addons._monitoring import Monitoring

            self._monitoring = Monitoring(dialects, lambda: self.journal)
        if self._monitoring is not None:
            self._monitoring.configure(ctx.options)
        if not (live or monitored):
            self.judge = None
            return
        if self.judge is None:
            from statetrail_addons._judge_live import LiveJudge

            self.judge = LiveJudge(dialects, _show)
        self.judge.announces = live
        self.judge.monitoring = self._monitoring if monitored else None

    def _refuse(self, problem: str) -> None:
        """Let mitmproxy end at its start; later, let it refuse the change of its options."""
        if self._runs:
            raise OptionsError(f"statetrail: {problem}") from None  # type: ignore[no-untyped-call]
        # An exception would be logged with its traceback.
        logger.error("statetrail: %s", problem)

    def _open(self) -> None:
        """Open the store that the options name, unless it is open."""
        target = target_of(ctx.options)
        if target == self._target:
            return
        journal = Journal(
            *(target.name, self._log_error),
            key=target.key,
            keep_key=target.keep_key,
            durability=target.durability,
            max_waiting=target.max_waiting,
        )
        self.done()
        if self.journal is not None:
            self.journal.close()
        self.journal, self._target = journal, target
        self._watch_log(journal)
        logger.info("statetrail records into %s", journal.path)

    def _watch_log(self, journal: Journal) -> None:
        """Count what mitmproxy refuses; started by `statetrail record`, keep it out of the log."""
        proxy = logging.getLogger(LOGGER)
        for each in [one for one in proxy.filters if isinstance(one, QuietProxyLog)]:
            proxy.removeFilter(each)
        own = journal.fingerprinter if requested() else None
        proxy.addFilter(QuietProxyLog(journal.refuse, own))

    def running(self) -> None:
        """mitmproxy has started: its ports are open."""
        self._runs = True
        if self.journal is not None:
            if self._target is not None and not self._target.keep_key:
                forget_key(self.journal.path)
            if self._totals is not None:
                self._totals.draw(self.journal)

    def _end(self) -> None:
        """Close the store; where mitmproxy did not start, leave nothing behind."""
        if self.journal is not None:
            if self._runs:
                self.journal.close()
            else:
                self.journal.discard()
        if self._monitoring is not None:
            self._monitoring.close()

    def requestheaders(self, flow: HTTPFlow) -> None:
        # The request as the client sent it: later addons change it on its way to the origin.
        live = self._flows[flow.id] = Live(request_of(flow))
        if flow.is_replay is None:  # what the operator sends or answers, no client is judged by
            self._judge_start(live)
        if len(self._flows) > MAX_FLOWS:
            _, forgotten = self._flows.popitem(last=False)
            self._judge_end(flow, forgotten, None)

    def responseheaders(self, flow: HTTPFlow) -> None:
        assert flow.response is not None
        live = self._flows.get(flow.id)
        if live is None:
            live = self._flows[flow.id] = Live(request_of(flow))
        live.answer = answer_of(flow.response)
        if flow.response.stream:
            stream = self._stream(flow, live, flow.response.stream)
            flow.response.stream = stream  # type: ignore[assignment]
        elif self._streams_late and may_stream_later(flow):
            watch_stream(flow.response, lambda stream: self._stream(flow, live, stream))

    def response(self, flow: HTTPFlow) -> Awaitable[None] | None:
        # Responses that are there within some turns of a busy event loop are read one after the
        # other and share a commit: each waits for it. One that is alone does not wait.
        commit = self._shared_commit(flow) if len(self._flows) > 1 else None
        if commit is None:
            self._record(flow)
        return commit

    def error(self, flow: HTTPFlow) -> None:
        # A replayed flow file gives a cut exchange to both hooks; the store keeps it once.
        self._record(flow)

    def done(self) -> None:
        """Write what waits; exchanges still under way may yet follow."""
        self._commit_held()
        if self.journal is None:
            return
        problem = self.journal.settle()
        if problem is not None:
            logger.error("statetrail: %s", problem)
        if self._totals is not None and self._runs:
            self._totals.end(self.journal, problem)

    def _stream(self, flow: HTTPFlow, live: Live, inner: Stream) -> Stream:
        """What a response is streamed through; its head is with the client before other hooks."""
        live.sniffer = BodySniffer(inner, lambda body: self._record_streamed(flow, live, body))
        self._record_streamed(flow, live, b"")
        return live.sniffer

    def _record_streamed(self, flow: HTTPFlow, live: Live, body: bytes) -> bool:
        """Record a streamed exchange as far as it came; whether its body has said enough."""
        if not self._wanted(flow):
            return False
        facts = self._extract(flow, live, body, under_way=True)
        if facts is None or self.journal is None:
            return True
        if live.entry is None:
            live.entry = self.journal.add(facts)
            self._count(facts)
        elif len(facts.issued) > live.issued:
            self.journal.update(live.entry, facts)
        live.issued = len(facts.issued)
        return any(ISSUE_PARTS.get(issue.channel) == "body" for issue in facts.issued)

    def _count(self, facts: ExchangeFacts) -> None:
        if self._totals is not None:
            self._totals.count(facts.exchange)

    def _shared_commit(self, flow: HTTPFlow) -> asyncio.Future[None] | None:
        """When the flow will be recorded and committed, with others where there are some."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return None
        if not self._held:
            loop.call_soon(self._gather, loop, ROUNDS, time.perf_counter())
        # Each has its own: one that is cancelled does not end the others' waiting.
        commit: asyncio.Future[None] = loop.create_future()
        self._held.append((flow, commit))
        return commit

    def _gather(self, loop: asyncio.AbstractEventLoop, rounds: int, since: float) -> None:
        """Wait for more responses while flows are under way and the event loop is busy."""
        now = time.perf_counter()
        if rounds > 1 and len(self._held) < len(self._flows) and now - since > BRIEF_S:
            loop.call_soon(self._gather, loop, rounds - 1, now)
        else:
            self._commit_held()

    def _commit_held(self) -> None:
        held, self._held = self._held, []
        try:
            for flow, _ in held:
                try:
                    self._record(flow, later=True)
                except Exception as error:  # whatever it is, the traffic goes on
                    self._give_up(request_of(flow), type(error).__name__)
            if held and self.journal is not None:
                self.journal.flush()
        finally:
            for _, commit in held:
                if not commit.done():
                    commit.set_result(None)

    def _record(self, flow: HTTPFlow, *, later: bool = False) -> None:
        live = self._flows.pop(flow.id, None) or Live(request_of(flow))
        if not self._wanted(flow) and live.entry is None:
            self._judge_end(flow, live, None)
            return
        facts = self._extract(flow, live, live.sniffer.body if live.sniffer else None)
        if facts is None or self.journal is None:
            return
        if live.entry is None:
            self.journal.add(facts, later=later)
            self._count(facts)
        else:
            self.journal.update(live.entry, facts)
        self._judge_end(flow, live, facts)

    def _judge_start(self, live: Live) -> None:
        """Report to the judge, if there is one, that a request started."""
        if self.judge is None or self._config is None:
            return
        request, header = live.request, (self._config.client_header or "").encode()
        values = [v for n, v in request.headers if n.lower() in (b"user-agent", header)]
        raw = b"\0".join([(request.peer or "").encode(), *values])
        client = str(self._config.fingerprinter.fingerprint(raw))
        try:
            live.subject = self.judge.started(request, client)
        except Exception as error:  # whatever it is, the traffic goes on
            self._log_error(f"an exchange could not be judged ({type(error).__name__})")

    def _judge_end(self, flow: HTTPFlow, live: Live, facts: ExchangeFacts | None) -> None:
        """Report to the judge that an exchange completed, or will not be reported any more."""
        if self.judge is None or live.subject is None:
            return
        try:
            if facts is None:
                self.judge.abandoned(live.subject)
            else:
                self.judge.completed(flow, live.subject, facts)
        except Exception as error:  # whatever it is, the traffic goes on
            self._log_error(f"an exchange could not be judged ({type(error).__name__})")

    def _wanted(self, flow: HTTPFlow) -> bool:
        return self._config is not None and (
            self._filter is None or bool(flowfilter.match(self._filter, flow))
        )

    def _extract(
        self, flow: HTTPFlow, live: Live, body: bytes | None, *, under_way: bool = False
    ) -> ExchangeFacts | None:
        """What is to be stored of a flow; `None` where it cannot be read, which is counted."""
        assert self._config is not None
        try:
            size = live.sniffer.size if live.sniffer is not None and not under_way else None
            return extract(
                exchange_of(
                    *(flow, live.request, live.answer, body), body_bytes=size, under_way=under_way
                ),
                self._config,
            )
        except Exception as error:  # whatever it is, the traffic goes on
            self._give_up(live.request, type(error).__name__)
            return None

    def _give_up(self, request: Request, error: str) -> None:
        self._not_understood += 1
        self._log_error(f"an exchange could not be read ({error})")
        if self.journal is not None and self._config is not None:
            # By its time alone, so that the gap can be noted.
            empty = Request("", "", "", 0, b"/", (), "", request.start_us)
            self.journal.lose(extract(Exchange("lost", empty), self._config), f"not read: {error}")

    def _log_error(self, what: str) -> None:
        """Log an error, once a minute at most."""
        if (now := time.monotonic()) >= self._silent_until:
            self._silent_until = now + 60
            journal = self.journal
            counts = f"{journal.waiting} exchanges wait in memory, {journal.lost} are lost; " if (
                journal is not None
            ) else ""  # fmt: skip
            logger.error("statetrail: %s; %sthe traffic goes on", what, counts)


def _show(flows: list[HTTPFlow]) -> None:
    """Let mitmproxy's interfaces draw flows anew."""
    ctx.master.addons.trigger(UpdateHook(flows))
