"""An access log: recognised, imported, redacted and suggested from like any capture."""

from pathlib import Path

import contributing.checking  # noqa: F401 - the copy is what is imported
from statetrail.dialects import select
from statetrail.extract.extractor import ExtractorConfig
from statetrail.ingest.importer import import_files
from statetrail.ingest.redact.run import redact
from statetrail.ingest.skipped import ReadReport
from statetrail.ingest.whole import read_whole
from statetrail.store.reader import read_store
from statetrail.store.sqlite import SqliteStore

log = Path("access.log")
log.write_text(
    "192.0.2.7 - - [02/Mar/2026:09:00:05 +0000] "
    '"GET /API/V3/Cart?_session_token=1 HTTP/1.1" 200 9\n'
    "nonsense\n"
)
with SqliteStore.create_or_open("shop.sqlite") as store:
    (done,) = import_files([log], store, ExtractorConfig(select(), store.fingerprinter))
assert (done.source, done.exchanges, done.skipped) == ("accesslog", 1, 1)
(row,) = read_store(Path("shop.sqlite")).tables["exchanges"].to_pylist()
assert (row["peer"], row["path"], row["status"]) == ("192.0.2.7", "/API/V3/Cart", 200)
assert row["time_error_s"] == 1
assert redact(log, Path("copy.har"), tuple(select()), bytes(32)).exchanges == 1
assert len(list(read_whole(log, ReadReport()))) == 1
