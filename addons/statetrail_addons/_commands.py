"""The recorder's commands for mitmproxy's console and mitmweb.

    : statetrail.summary
    : statetrail.report audit.html

Enters: the journal, and the judge if there is one. Leaves: their figures, also in the log: mitmweb
shows nothing else of a command.
"""

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mitmproxy import command, types

from statetrail.store.live.journal import Journal

if TYPE_CHECKING:
    from statetrail_addons._judge_live import LiveJudge

logger = logging.getLogger(__name__)


class Commands:
    """Commands of the recorder."""

    journal: Journal | None = None
    judge: "LiveJudge | None" = None

    @command.command("statetrail.summary")  # type: ignore[untyped-decorator]
    def summary(self) -> str:
        """What the recorder has stored, and judged with statetrail_live=on."""
        journal = self.journal
        if journal is None:
            return "statetrail records nothing"
        stored = f"{journal.recorded} exchanges in {journal.store.path}"
        troubles = f", {journal.waiting} wait, {journal.lost} are lost" if journal.waiting else ""
        judged = f"; {self.judge.scoreboard.line()}" if self.judge is not None else ""
        return self._logged(f"{stored}{troubles}{judged}")

    @command.command("statetrail.clients")  # type: ignore[untyped-decorator]
    def clients(self) -> Sequence[str]:
        """The clients, the least compliant first; needs statetrail_live=on."""
        if self.judge is None:
            return [self._logged("clients are judged with: set statetrail_live on")]
        return [each.line() for each in self.judge.scoreboard.ranked()] or ["no client yet"]

    @command.command("statetrail.report")  # type: ignore[untyped-decorator]
    def report(self, path: types.Path) -> str:
        """Write the audit of what was recorded so far as HTML, beside the traffic."""
        if self.journal is None:
            return "statetrail records nothing"
        self.journal.flush()
        target = Path(path).expanduser()
        command_line = [sys.executable, "-m", "statetrail", "audit", str(self.journal.store.path)]
        threading.Thread(
            target=_audit, args=([*command_line, "--html", str(target)], target), daemon=True
        ).start()
        return self._logged(f"writing {target}")

    def _logged(self, what: str) -> str:
        logger.info("statetrail: %s", what)
        return what


def _audit(program: list[str], target: Path) -> None:
    process = subprocess.run(program, capture_output=True, text=True, check=False)
    if process.returncode:
        logger.error("statetrail: no report: %s", (process.stderr.splitlines() or ["?"])[-1][:300])
    else:
        logger.info("statetrail: %s is written", target)
