"""Wrong files: each mutation of a file with every key gets one line with file, line and key.

A row: what stands in `every_key.toml`, what stands there instead, the key that the message names,
how the message begins, and whether an editor sees it, by the JSON Schema, too. The line is the one
on which the mutation is.
"""

import json
import tomllib
from pathlib import Path
from typing import Final

import jsonschema
import pytest

import statetrail
from dialects.test_every_key import FILE, missing
from statetrail.dialects import load
from statetrail.dialects.toml_schema import toml_schema
from statetrail.errors import UsageError

EVERY: Final = FILE.read_text("utf-8")
SCHEMA: Final = toml_schema()
VALIDATOR: Final = jsonschema.Draft202012Validator(SCHEMA)
BUILTIN: Final = Path(statetrail.__file__).with_name("dialects") / "builtin"

type Row = tuple[str, str, str, str, bool]

# fmt: off
STRUCTURE: Final[list[Row]] = [
    ('logout = ["/shop/signout"]', "logout = 1", "scope.logout", "wrong type", True),
    ('unless_header = { name', "unless_header = { names",
     "param[0].refused[0].unless_header.names", "unknown key: use one of has, name", True),
    # What a schema can say: types, words, missing and unknown keys, one place a table.
    ('name = "every"', "name = 7", "name", "wrong type: write a string, not int", True),
    ('title = "Every key"', "title = true", "title", "wrong type: write a string", True),
    ('references = ["https', 'references = [3, "https',
     "references[0]", "wrong type: write a str", True),
    ('session_keys = ["Session"]', 'session_keys = "Session"',
     "session_keys", "wrong type: write an array", True),
    ("refused = [401, 440]", 'refused = ["401"]', "refused[0]", "wrong type: write a number", True),
    ("[scope]", "[scopes]", "scopes", "unknown key: use one of family, name, param, ref", True),
    ('paths = ["/shop/**"]', 'paths = "/shop/**"',
     "scope.paths", "wrong type: write an array", True),
    ('hosts = ["*.example"]', "hosts = [true]",
     "scope.hosts[0]", "wrong type: write a string", True),
    ('realm = "site"', 'realm = "host"', "scope.realm", "'host' is none of the values", True),
    ('login = ["/shop/signin"]', "login = [1]",
     "scope.login[0]", "wrong type: write a string", True),
    ('logout = ["/shop/signout"]', 'log_out = ["/x"]',
     "scope.log_out", "unknown key: use one of cart, h", True),
    ('cart = [\n    "/shop/basket/**",', "cart = [\n    1.5,",
     "scope.cart[0]", "wrong type: write a string, not float", True),
    ('order = ["/shop/order"]', "order = {}", "scope.order", "wrong type: write an array", True),
    ('own_state = ["/shop', 'own_state = [[], "/shop',
     "scope.own_state[0]", "wrong type: write a string", True),
    ('state_methods = ["/shop/basket/state"]', "state_methods = 1",
     "scope.state_methods", "wrong type", True),
    ('health = ["/shop/up"]', 'health = "/shop/up"',
     "scope.health", "wrong type: write an array", True),
    ("[family]", "[[family]]", "family", "wrong type: write a table, not array", True),
    ('issue = [{ header = "x-give', 'issues = [{ header = "x-give',
     "family.issues", "unknown key: use one of iss", True),
    ('grammar = "value;usage/priority"', 'grammar = "value"',
     "family.issue[0].grammar", "'value' is none of", True),
    ('present = [{ header = "x-{param}" }]', 'present = ["x"]',
     "family.present[0]", "is no table: write it as {", True),
    ('place = "as-issued"\nreq', 'place = "any"\nreq',
     "family.place", "'any' is none of the values", True),
    ('required = "never"', 'required = "sometimes"',
     "family.required", "'sometimes' is none of", True),
    ('supersedes = "none"', "supersedes = 0", "family.supersedes", "wrong type", True),
    ("lifetime = 3600", 'lifetime = "/exp"',
     "family.lifetime", "'/exp' is none of the values", True),
    ('void = "gone"', "void = 1", "family.void", "wrong type: write a string", True),
    ('sessions = ["(?i)sess"]', "sessions = [5]",
     "family.sessions[0]", "wrong type: write a string", True),
    ('present = [{ header = "x-{param}" }]', 'store = "phone"',
     "family.store", "'phone' is none of", True),
    ('[[param]]\nname = "Session"\n', "[[param]]\n",
     "param[0]", "the key `name` is missing: add it", True),
    ("minted = true\ncredential", 'minted = "yes"\ncredential',
     "param[0].minted", "wrong type: write true or", True),
    ("credential = true", "credential = 1", "param[0].credential", "wrong type", True),
    ('priority = "forced"', 'priority = "high"',
     "param[0].priority", "'high' is none of the values", True),
    ('stateless = "reads"', "stateless = true", "param[0].stateless", "wrong type", True),
    ('restart = "fault"', 'restart = "ok"', "param[0].restart", "'ok' is none of the values", True),
    ("grace_s = 10", "grace_s = 1.5",
     "param[0].grace_s", "wrong type: write a number, not float", True),
    ("grace_s = 10", "grace = 10",
     "param[0].grace", "unknown key: use one of clear, credential", True),
    ("[{ status = [401], h", "[{ status = 401, h",
     "param[0].refused[0].status", "wrong type: write an array", True),
    ("[{ status = [401], h", "[{ h",
     "param[0].refused[0]", "the key `status` is missing: add it", True),
    ('has = "expired"', 'had = "expired"',
     "param[0].refused[0].header.had", "unknown key: use one of has, na", True),
    ("unless_header =", "unless =",
     "param[0].refused[0].unless", "unknown key: use one of body, header, json", True),
    ('cookie = "sid", status = [200, 201]', 'cookie = "sid", status = "2"',
     "param[0].issue[0].status", "wrong type", True),
    ('{ location = ";sid" }', "{ }",
     "param[0].issue[1]", "no place in one table: use exactly one of", True),
    ('{ xml = "@session" }', '{ xml = "@a", json = "" }',
     "param[0].issue[2]", "several places in one table", True),
    ('{ path = ";sid" }', "{ path = 5 }",
     "param[0].present[1].path", "wrong type: write a string", True),
    ("fold = true", 'fold = "yes"',
     "param[0].present[2].fold", "wrong type: write true or false", True),
    ("fold = true", "tells = true",
     "param[0].present[2].tells", "unknown key: use one of cookie, fold", True),
    ('methods = ["POST", "PUT"]', 'methods = "POST"',
     "param[1].methods", "wrong type: write an array", True),
    ('only_on = ["/shop/form/**", ', "only_on = [1, ", "param[1].only_on[0]", "wrong type", True),
    ('not_on = ["/shop/form/free"]', 'not_on = "/x"', "param[1].not_on", "wrong type", True),
    ('pointer = "/error", has = "proof"', "pointer = 1",
     "param[1].refused[0].json.pointer", "wrong type", True),
    ("uses = 1", 'uses = "1"', "param[1].uses", "wrong type", True),
    ('same = "before-dot"', 'same = "base64"',
     "param[1].same", "'base64' is none of the values", True),
    ('tied_to = ["Session", ', "tied_to = [0, ",
     "param[1].tied_to[0]", "wrong type: write a string", True),
    ('decode = ["percent", "base64"]', 'decode = ["rot13"]',
     "param[1].issue[1].decode[0]", "'rot13' is none of", True),
    ('form = "proof" }]', 'form = "proof", scheme = "x" }]',
     "param[1].present[0].scheme", "unknown key: use", True),
    ('lifetime = "/expires_in"', "lifetime = true",
     "param[2].issue[0].lifetime", "wrong type", True),
    ('ends = [{ form = "token"', 'ends = [{ tells = true, form = "token"',
     "param[2].ends[0].tells", "unknown key: use one of cookie", True),
    ('scheme = "Shop"', "scheme = 4", "param[2].present[0].scheme", "wrong type", True),
    ('state_methods = ["/shop/basket/lang"]', "state_methods = [4]",
     "param[3].state_methods[0]", "wrong type", True),
    ("lifetime = 60", 'tells = "yes"',
     "param[3].issue[0].tells", "wrong type: write true or false", True),
]
MEANING: Final[list[Row]] = [
    # What no schema says: names, expressions, and what one key says of another one.
    ('name = "every"', 'name = "every, one"',
     "name", "'every, one' is no dialect name: use letters", False),
    ('session_keys = ["Session"]', 'session_keys = ["Lang"]',
     "session_keys", "'Lang' is no parameter with `minted", False),
    ('header = "x-give-{param}"', 'header = "{param}"',
     "family.issue[0].header", "'{param}' is no header field's n", False),
    ('void = "gone"', 'void = "(gone"', "family.void", "'(gone' is no regular expression", False),
    ('sessions = ["(?i)sess"]', 'sessions = "*"',
     "family.sessions", "'*' is no regular expression", False),
    ('establish = "new"', 'establish = "["',
     "param[0].establish", "'[' is no regular expression", False),
    ("grace_s = 10", "grace_s = -1",
     "param[0].grace_s", "-1 is no time: write seconds from 0 on", False),
    ('header = { name = "www-authenticate", has', 'header = { pointer = "/a", has',
     "param[0].refused[0].header", "name the header field with `name`", False),
    ('has = "expired"', 'has = "+"',
     "param[0].refused[0].header.has", "'+' is no regular expression", False),
    ('cookie = "sid", status', 'cookie = "s id", status',
     "param[0].issue[0].cookie", "'s id' is no cookie's name", False),
    ('location = ";sid"', 'location = "?sid"',
     "param[0].issue[1].location", "'?sid' is no place in an address", False),
    ('xml = "@session"', 'xml = "@a:b"',
     "param[0].issue[2].xml", "'@a:b' names no attribute of the root", False),
    ('path = ";sid"', 'path = "/sid"',
     "param[0].present[1].path", "'/sid' is no place in a path", False),
    ('query = "sid"', 'query = ""',
     "param[0].present[2].query", "the name is empty: write the name of a query", False),
    ('on = ["GET /shop/**"]', 'on = ["/shop/**"]',
     "param[0].present[2].on", "'/shop/**' is no method with a path", False),
    ('name = "Proof"', 'name = "SESSION"',
     "param[1].name", "'SESSION' is declared more than once", False),
    ('instead = ["Token"]', 'instead = ["Tokens"]',
     "param[1].instead", "'Tokens' is no parameter of this dialect", False),
    ("uses = 1", "uses = 0", "param[1].uses", "0 is no number of uses: write 1 or more", False),
    ('follows = "cookie:proof"', 'follows = "proof"',
     "param[1].follows", "'proof' names no cookie: write it as", False),
    ('json = { pointer = "/error", has', 'json = { name = "error", has',
     "param[1].refused[0].json", "name the member with `pointer`", False),
    ('json = { pointer = "/error", has', "json = { has",
     "param[1].refused[0].json.name", "name a header field (`name`) or a JSON po", False),
    ('body = "proof"', 'body = "("',
     "param[1].refused[1].body", "'(' is no regular expression", False),
    ('html = "input proof"', 'html = "div proof"',
     "param[1].issue[0].html", "'div proof' is no place in HTML", False),
    ('script = "proof"', 'script = ""',
     "param[1].issue[1].script", "'' is no name in a script: mend it", False),
    ('form = "proof"', 'form = ""',
     "param[1].present[0].form", "the name is empty: write the name of a form", False),
    ('json = "/token"', 'json = "token"',
     "param[2].issue[0].json", "'token' is no JSON pointer", False),
    ('lifetime = "/expires_in"', 'lifetime = "1h"',
     "param[2].issue[0].lifetime", "'1h' is no JSON pointer", False),
    ('from = "t=([^;]+)"', 'from = "t=.*"',
     "param[2].issue[1].from", "'t=.*' has 0 groups: put the value's part", False),
    ('from = "t=([^;]+)"', 'from = "(t"',
     "param[2].issue[1].from", "'(t' is no regular expression", False),
    ('scheme = "Shop"', 'scheme = "Shop "',
     "param[2].present[0].scheme", "'Shop ' is no authentication scheme", False),
    ('clear = "[a-z]{2}"', 'clear = "[a-z"',
     "param[3].clear", "'[a-z' is no regular expression", False),
]
# fmt: on
ROWS: Final = [*STRUCTURE, *MEANING]


def mutation(row: Row) -> str:
    good, bad = row[:2]
    assert good in EVERY
    return EVERY.replace(good, bad, 1)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[2]}: {row[1][:30]!r}")
def test_a_wrong_file_gets_one_line(tmp_path: Path, row: Row) -> None:
    """File, line and key; and an editor that has the schema shows what a schema can know."""
    good, _, key, message, structural = row
    path = tmp_path / "own.toml"
    path.write_text(mutation(row))
    line = EVERY[: EVERY.index(good)].count("\n") + 1
    with pytest.raises(UsageError) as raised:
        load(path)
    text = str(raised.value)
    assert text.startswith(f"{path}, line {line}: {key}: {message}")
    assert "\n" not in text
    assert VALIDATOR.is_valid(tomllib.loads(mutation(row))) is not structural


def test_each_key_of_the_grammar_is_wrong_once() -> None:
    """There are at least 60 mutations, of every key."""
    assert len(ROWS) >= 60
    assert len({row[1] for row in ROWS}) == len(ROWS)
    mutated = {part.partition("[")[0] for row in ROWS for part in row[2].split(".")}
    keys = {key for _, every in missing("[scope]\n[family]") for key in every}
    assert keys - mutated == set()


@pytest.mark.parametrize("path", sorted(BUILTIN.glob("*.toml")), ids=lambda path: path.stem)
def test_a_built_in_dialect_is_valid(path: Path) -> None:
    """For the JSON Schema, as for loading."""
    jsonschema.validate(tomllib.loads(path.read_text("utf-8")), SCHEMA)


def test_the_schema_is_one() -> None:
    """Of draft 2020-12, in JSON; every key has a text, and none may be null."""
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(SCHEMA)))
    assert VALIDATOR.is_valid(tomllib.loads(EVERY))
    assert '"null"' not in json.dumps(SCHEMA)
    assert "lineage" in SCHEMA["$defs"]["Param"]["properties"]["supersedes"]["description"]
