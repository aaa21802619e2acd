"""A preference: recorded, in both fact tables of the store, and written into a request."""

from pathlib import Path

import contributing.checking  # noqa: F401 - the copy is what is imported
import statetrail
from statetrail.dialects import load
from statetrail.dialects.explanation import explain
from statetrail.dialects.place import Outgoing
from statetrail.dialects.places import PRESENT_PLACES
from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.store.sqlite import SqliteStore
from support.traffic import exchange

SECRET = "yjipILZBeUWxrFqRT"
OTHER = "QmZkTbVwLrXcNsHdP"

Path("own.toml").write_text("""
name = "own"
title = "Preferences"
[[param]]
name = "sid"
minted = true
issue = [{ prefer = "sid" }]
present = [{ prefer = "sid" }]
""")
own = load("own.toml")
with SqliteStore.create_or_open("shop.sqlite") as store:
    config = ExtractorConfig((own,), store.fingerprinter)
    login = exchange(answered={"Preference-Applied": f"sid={SECRET}"}, flow_id="login")
    cart = exchange(asked={"Prefer": f"lang=en, sid={SECRET}, other={OTHER}"}, flow_id="cart")
    store.append_many([extract(login, config), extract(cart, config)])
    other = store.fingerprinter.fingerprint(OTHER)
rec = statetrail.open("shop.sqlite")
(issued,) = rec.issued.rows()
(presented,) = rec.presented.rows()
for row in (issued, presented):
    assert (row["dialect"], row["param"], row["channel"]) == ("own", "sid", "prefer")
    assert row["value"] is None
assert issued["fingerprint"] == presented["fingerprint"]
assert issued["length"] == len(SECRET)
# The rest of the field is looked through like that of any other.
candidates = rec.token_candidates.rows()
assert ("header", other) in [(row["place"], row["fingerprint"]) for row in candidates]

request = Outgoing({}, [])
PRESENT_PLACES["prefer"](prefer="sid").write("sid", SECRET, request)
assert request.fields == {"prefer": f"sid={SECRET}"}
# It is explained, without a word of its own.
(explained,) = explain(own).params
assert ("presented", ("the prefer `sid`",)) in explained.rows
