"""A rule: a finding of the traffic on its page, in every format, and documented."""

from pathlib import Path

import statetrail
from contributing.checking import generated_files_are_current, valid
from docs.conversations import examples, recording
from studies.documentation import FOLDER

generated_files_are_current()
page = (FOLDER / "rules" / "language-presented.md").read_text("utf-8")
assert "| observed | N of M requests presented `param` with another value than 1 |" in page
assert "[`language-presented`](rules/language-presented.md)" in (FOLDER / "results.md").read_text()

recording(examples(page), Path("shop.sqlite"))
report = statetrail.audit(statetrail.open("shop.sqlite", client_by=("user-agent",)))
findings = valid(report)["findings"]
(finding,) = [one for one in findings if one["rule"] == "language-presented"]
assert finding["client"] == "Before"
assert finding["message"].startswith("1 of 1 requests presented LangId with another value")
for text in (report.to_html(), report.to_markdown(), report.to_junit()):
    assert "language-presented" in text
