"""Dialects are TOML files, ours and a user's alike; what is wrong in one is named by its line."""

from pathlib import Path

import pytest

import statetrail
from statetrail.dialects import builtin, load, select
from statetrail.dialects.places.header import HeaderIssue, HeaderPresent
from statetrail.dialects.places.query import QueryPresent
from statetrail.dialects.places.xml import XmlIssue
from statetrail.errors import UsageError
from statetrail.extract.extractor import ExtractorConfig, extract
from support.commands import run
from support.hars import entry, write_har
from support.histories import FINGERPRINTER
from support.traffic import exchange

TOML = """\
name = "acme"
title = "Acme sessions"
references = ["https://acme.example/docs"]

[scope]
paths = ["**/v1/shop/**"]
cart = [
    "**/basket/**",
]

[family]
issue = [{ header = "acme-set-{param}", grammar = "value;usage/priority" }]
present = [{ header = "acme-{param}" }]

[[param]]
name = "Basket"
minted = true
establish = "new"
priority = "forced"
only_on = ["**/basket/**"]
issue = [{ xml = "@basket" }]

[[param]]
name = "Region"
clear = "[a-z]{2}"
present = [
    { header = "x-region" },
    { query = "region", fold = true },
]
"""


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A user's file."""
    path = tmp_path / "acme.toml"
    path.write_text(TOML)
    return path


def test_a_user_s_own_dialect(acme: Path) -> None:
    """Its keys are the fields of the declaration; the family's places come before a param's."""
    dialect = load(acme)
    assert (dialect.name, dialect.scope.paths) == ("acme", ("**/v1/shop/**",))
    assert dialect.issued_at("Basket") == (
        HeaderIssue(header="acme-set-{param}", grammar="value;usage/priority"),
        XmlIssue(xml="@basket"),
    )
    assert dialect.presented_at("Region") == (
        HeaderPresent(header="acme-{param}"),
        HeaderPresent(header="x-region"),
        QueryPresent(query="region", fold=True),
    )


def test_a_user_s_own_dialect_reads_traffic(acme: Path) -> None:
    """Each place is read; a bare value takes usage and priority from the declaration."""
    config = ExtractorConfig(select(f"{acme},zest"), FINGERPRINTER)
    facts = extract(
        exchange(
            "/v1/shop/basket?REGION=de",
            asked={"Acme-Basket": "abc", "X-Region": "at"},
            answered={"Acme-Set-Region": "fr;header/forced"},
            body=b"<r basket='xyz'/>",
        ),
        config,
    )
    assert facts.exchange.dialects == "acme"
    assert [(p.param, p.channel, p.value) for p in facts.presented] == [
        ("Basket", "header", None),
        ("Region", "header", "at"),
        ("Region", "uriquery", "de"),
    ]
    assert [(i.param, i.channel, i.usage, i.priority) for i in facts.issued] == [
        ("Region", "header", "header", "forced"),
        ("Basket", "body", "header", "forced"),
    ]


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('clear = "[a-z]{2}"', 'clear = "[a-z"', "line 25: param[1].clear: '[a-z' is no regular"),
        ('clear = "[a-z]{2}"', "clear = 3", "line 25: param[1].clear: wrong type: write a string"),
        ('clear = "[a-z]{2}"', "claer = 3", "line 25: param[1].claer: unknown key: use one of cle"),
        ("fold = true", "fold = 1", "line 26: param[1].present[1].fold: wrong type: write true or"),
        ("fold = true", "x = 1", "line 26: param[1].present[1].x: unknown key: use one of cookie,"),
        ('{ query = "region", fold', "{ fold", "line 26: param[1].present[1]: no place in one tab"),
        ('"x-region" }', '"X Region" }', "line 26: param[1].present[0].header: 'X Region' is no h"),
        ('"acme-set-{param}"', '"{param}"', "line 12: family.issue[0].header: '{param}' is no hea"),
        ('"@basket"', '"@ba:sket"', "line 21: param[0].issue[0].xml: '@ba:sket' names no at"),
        ('{ xml = "@basket" }', '"@basket"', "line 21: param[0].issue[0]: is no table: write it"),
        ('"value;usage/priority"', '"x"', "line 12: family.issue[0].grammar: 'x' is none of the"),
        ('name = "Region"', 'name = "BASKET"', "line 24: param[1].name: 'BASKET' is declared mor"),
        ('name = "Region"', "", "line 23: param[1]: the key `name` is missing: add it"),
        ('name = "acme"', 'name = "a,b"', "line 1: name: 'a,b' is no dialect name: use letters"),
        ('title = "Acme sessions"', "", "line 1: the file: the key `title` is missing: add it"),
        ('    "**/basket/**",', "    7,", "line 7: scope.cart[0]: wrong type: write a string"),
        ("[scope]", "[scopes]", "line 5: scopes: unknown key: use one of family, name, param, ref"),
        ("[scope]", "[scope", "line 5: no TOML ("),
        ('priority = "forced"', 'priority = "high"', "line 19: param[0].priority: 'high' is none"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(acme: Path, good: str, bad: str, message: str) -> None:
    """File, line and key, in one line, when it is read and not while traffic passes."""
    assert good in TOML
    acme.write_text(TOML.replace(good, bad, 1))
    with pytest.raises(UsageError) as raised:
        load(acme)
    assert str(raised.value).startswith(f"{acme}, {message}")
    assert "\n" not in str(raised.value)


def test_the_documentation_s_example_is_a_dialect(tmp_path: Path) -> None:
    """The page's file loads, and shows every key that it describes as a place."""
    page = (Path(statetrail.__file__).parent / "docs" / "dialects.md").read_text()
    path = tmp_path / "example.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0])
    example = load(path)
    assert [param.name for param in example.params] == ["Basket", "Region"]
    assert {place.channel for place in example.issued_at("Basket")} == {"header", "body"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory): name a TOML file"),
        (b"#" * 70_000, "the file has over 65536 bytes: is it a dialect?"),
        (b'name = "a"\ntitle = "\xff"', "line 2: not UTF-8: save the file as UTF-8"),
    ],
    ids=["missing", "large", "latin-1"],
)
def test_files_that_are_no_dialects(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A file that cannot be read is named, with the reason."""
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        load(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


def test_dialects_are_chosen_by_name(acme: Path) -> None:
    """`all`, names and files, in the order given, each once."""
    zest, eseller52 = builtin()["zest"], builtin()["52eseller"]
    assert {zest, eseller52} < set(select())
    assert len(select()) == 17
    assert select(" 52eseller , zest,52eseller") == (eseller52, zest)
    assert select(["zest"]) == (zest,)
    assert select(f"{acme},zest") == (load(acme), zest)
    assert select(f"all,{acme}") == (*select(), load(acme))


@pytest.mark.parametrize("names", ["", " , ", "ZEST", "zest,acme", "all,zest"])
def test_unknown_names_are_refused(names: str) -> None:
    """An unknown name, or none, is an error that says which there are."""
    with pytest.raises(UsageError, match=r"choose from .*, zest, 52eseller or 'all'"):
        select(names)


def test_a_user_s_dialect_on_the_command_line(acme: Path, tmp_path: Path) -> None:
    """`--dialects` takes files in import and show; a mistake in one ends with exit code 2."""
    store, capture = tmp_path / "x.sqlite", tmp_path / "x.har"
    write_har(capture, entry("https://shop.example/v1/shop/x?region=at"))
    assert run("import", capture, "--store", store, "--dialects", f"zest,{acme}").code == 0
    shown = run("show", store, "presented", "--format", "csv", "--dialects", acme)
    assert ",acme,Region,at," in shown.out
    acme.write_text("name = 3")
    refused = run("show", store, "presented", "--dialects", acme)
    assert (refused.code, "line 1: name: wrong type" in refused.err) == (2, True)


def test_two_dialects_of_one_name_are_refused(acme: Path) -> None:
    """Facts say of which dialect they are by its name."""
    acme.write_text(TOML.replace('"acme"', '"zest"'))
    assert select(str(acme))[0].title == "Acme sessions"
    with pytest.raises(UsageError, match="two dialects are named 'zest'"):
        select(f"zest,{acme}")


def test_any_of_several_places_will_do(tmp_path: Path) -> None:
    """Where no issue names the place to present a value in, the client may choose one."""
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "own"\ntitle = "Own"\n[[param]]\nname = "Key"\nissue = [{ header = "x-key" }]\n'
        'present = [{ header = "x-key" }, { query = "key" }]\n'
    )
    assert load(path).by_declaration
    path.write_text(path.read_text().replace(', { query = "key" }', ""))
    assert not load(path).by_declaration
    assert not builtin()["52eseller"].by_declaration
