"""The recorder with a stop watch around its hooks; `bench_recorder` loads it into mitmdump.

    mitmdump -s timed_recorder.py --set statetrail_timings=timings.json

Each exchange's time is the sum over its hooks, and its share of the commit that it waited for, in
nanoseconds: by the clock, and of the processor. The third number says how many shared that commit.
"""

import json
import time
from pathlib import Path

from mitmproxy import ctx

from statetrail_addons.record_state import RecordState

HOOKS = ("requestheaders", "responseheaders", "response", "error")


class TimedRecorder(RecordState):
    """Counts what the hooks take."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, float, int]] = []
        self._begun: dict[str, tuple[float, float]] = {}
        self._waiting: list[tuple[float, float]] = []
        for name in HOOKS:
            setattr(self, name, self._timed(getattr(super(), name), name in ("response", "error")))

    def load(self, loader) -> None:
        super().load(loader)
        loader.add_option("statetrail_timings", str, "", "Where to write the times to.")

    def done(self) -> None:
        super().done()
        if self.times and ctx.options.statetrail_timings:
            Path(ctx.options.statetrail_timings).write_text(json.dumps(self.times))

    def _timed(self, hook, last):
        def run(flow):
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            waits = hook(flow)
            cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
            before = self._begun.pop(flow.id, (0, 0))
            now = (before[0] + wall, before[1] + cpu)
            if not last:
                self._begun[flow.id] = now
            elif waits is not None:
                self._waiting.append(now)
            else:
                self.times.append((*now, 1))
            return waits

        return run

    def _commit_held(self) -> None:
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        super()._commit_held()
        cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        many = len(self._waiting)
        self.times += [(w + wall / many, c + cpu / many, many) for w, c in self._waiting]
        self._waiting.clear()


addons = [TimedRecorder()]
