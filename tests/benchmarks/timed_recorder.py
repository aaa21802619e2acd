"""The recorder with a stop watch around its hooks; `bench_recorder` loads it into mitmdump.

    mitmdump -s timed_recorder.py --set statetrail_timings=timings.json

Each exchange's time is the sum over its hooks, in microseconds: by the clock, and of the processor.
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
        self.times: list[tuple[int, int]] = []
        self._begun: dict[str, tuple[int, int]] = {}
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
        def run(flow) -> None:
            wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
            try:
                hook(flow)
            finally:
                cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
                before = self._begun.pop(flow.id, (0, 0))
                now = (before[0] + wall, before[1] + cpu)
                if last:
                    self.times.append(now)
                else:
                    self._begun[flow.id] = now

        return run


addons = [TimedRecorder()]
