"""A section: in the JSON and its schema, on the page in its place, and in the Markdown."""

import json
from pathlib import Path

import statetrail
from contributing.checking import SCHEMA, generated_files_are_current, valid
from support.shops import write_shop

generated_files_are_current()
write_shop(Path("shop.sqlite"))
report = statetrail.audit(statetrail.open("shop.sqlite"))
assert [one["exchanges"] for one in valid(report)["hosts"]] == [14, 14]
fields = json.loads(SCHEMA.read_text("utf-8"))["$defs"]["Document"]["properties"]
assert fields["hosts"]["description"] == "Busiest first"
page = report.to_html()
assert '<li><a href="#hosts">Hosts</a></li>' in page
headings = ("Shared and leaked credentials", "Busiest hosts", "Rules applied")
places = [page.index(f"<h2>{heading}</h2>") for heading in headings]
assert places == sorted(places)
assert "### Busiest hosts" in report.to_markdown()
