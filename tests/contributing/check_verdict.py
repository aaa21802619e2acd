"""A verdict: both judges give it, it counts, and reports and pages show it."""

from pathlib import Path

import statetrail
from contributing.checking import generated_files_are_current, valid
from docs.conversations import claims, recording
from statetrail.analyses.conformance.tracker import Exchange, Issue, Presented, Tracker, Verdict
from statetrail.analyses.conformance.verdict import FAULTS, VERDICTS
from statetrail.analyses.conformance.verdicts import verdicts
from studies.documentation import FOLDER

generated_files_are_current()
assert VERDICTS.index("stale") < VERDICTS.index("replayed") < VERDICTS.index("restarted")
assert "replayed" in FAULTS
assert "| [`replayed`](verdicts/replayed.md) |" in (FOLDER / "results.md").read_text("utf-8")

page = claims((FOLDER / "verdicts" / "replayed.md").read_text("utf-8"))
rec = recording({claim.when: claim.messages for claim in page}, Path("shop.sqlite"))
given = {row["exchange_id"]: row["verdict"] for row in verdicts(rec).rows()}
last = {row["user_agent"]: row["exchange_id"] for row in rec.exchanges.rows()}
assert {claim.when: given[last[claim.when]] for claim in page} == {
    claim.when: claim.verdict for claim in page
}

tracker = Tracker()
old, new = (Issue("zest", "_session_token", n, "uriquery", "forced") for n in (1, 2))
shown = Presented("zest", "_session_token", 1, "uriquery")
events = []
for number, (presented, issued) in enumerate([((), (old,)), ((shown,), (new,)), ((shown,), ())]):
    start = number * 1_000_000
    about = (number, "app", "https://shop.example", "/API/V3/Cart", "GET", start)
    times = {"response_start_us": start + 10, "response_end_us": start + 20}
    events += tracker.completed(Exchange(*about, **times, issued=issued, presented=presented))
events += tracker.flush()
assert [one.verdict for one in events if isinstance(one, Verdict)][-1] == "replayed"

report = statetrail.audit(statetrail.open("shop.sqlite", client_by=("user-agent",)))
clients = {client["client"]: client for client in valid(report)["clients"]}
assert clients["Before"]["verdicts"]["replayed"] == 1
assert clients["Before"]["compliance"] < clients["After"]["compliance"] == 1
assert "--v-replayed: #a8325a;" in report.to_html()
