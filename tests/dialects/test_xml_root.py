"""The root's attributes: any encoding, nothing behind the start tag, nothing from outside."""

import codecs
import resource
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from encodings.aliases import aliases
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from statetrail.dialects.xml_root import RootError, root_attributes
from statetrail.extract.bodies import MAX_DECODED

# Codecs that are no character encodings, and one that hides markup from who looks for it.
NO_CHARSETS = {"base64", "bz2", "hex", "quopri", "rot-13", "utf-7", "uu", "zlib"}
CHARSETS = sorted(
    {codecs.lookup(name).name for name in aliases.values() if name not in ("mbcs", "oem")}
    - NO_CHARSETS
)


def session(document: bytes, encoding: str | None = None) -> str | None:
    """The root's session attribute, or the problem in brackets."""
    try:
        return root_attributes(document, encoding).get("session")
    except RootError as error:
        return f"({error})"


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_encoding(charset: str) -> None:
    """Declared in the document or named by the transport: both are read."""
    assert len(CHARSETS) > 80
    declared = f'<?xml version="1.0" encoding="{charset}"?>\n<rsp session="aB/+=1"/>'
    assert session(declared.encode(charset)) == "aB/+=1"
    bare = "<rsp session='aB/+=1'/>"
    assert session(bare.encode(charset), charset) == "aB/+=1"


@pytest.mark.parametrize(
    ("document", "encoding", "value"),
    [
        pytest.param(b"<r session='\xc3\xa9'/>", None, "é", id="utf-8 without a declaration"),
        pytest.param(b"<r session='\xe9'/>", "latin-1", "é", id="only the transport knows"),
        pytest.param(b"<r session='\xe9'/>", None, "(no-root)", id="nobody knows"),
        pytest.param(
            b"<?xml version='1.0' encoding='iso-8859-1'?><r session='\xe9'/>",
            "utf-8",
            "é",
            id="the declaration wins",
        ),
        pytest.param(
            "<?xml version='1.0' encoding='utf-16'?><r session='é'/>".encode(),
            None,
            "é",
            id="utf-8 labelled utf-16",
        ),
        pytest.param("\ufeff<r session='é'/>".encode("utf-16-be"), None, "é", id="utf-16 mark"),
        pytest.param("<r session='é'/>".encode("utf-16-le"), "utf-16-le", "é", id="no mark"),
        pytest.param("\ufeff<r session='é'/>".encode("utf-32-le"), None, "é", id="utf-32 mark"),
        pytest.param("<r session='é'/>".encode("utf-32-be"), None, "é", id="utf-32 no mark"),
        pytest.param(b"\xef\xbb\xbf<r session='a'/>", "latin-1", "a", id="utf-8 mark"),
        pytest.param(b"\r\n <?xml version='1.0'?><r session='a'/>", None, "a", id="blanks first"),
        pytest.param(b"<r session='a'/>", "rot13", "a", id="no charset"),
        pytest.param(b"+ADw-r session='a'/>", "utf-7", "(not-xml)", id="utf-7"),
        pytest.param(
            b"<?xml version='1.0' encoding='punycode'?><r session='a'/>",
            None,
            "(no-root)",
            id="a codec that is no charset",
        ),
    ],
)
def test_encodings_that_are_not_what_they_say(
    document: bytes, encoding: str | None, value: str
) -> None:
    """Marks, missing and wrong declarations."""
    assert session(document, encoding) == value


@pytest.mark.parametrize(
    ("document", "value"),
    [
        (b"<r session='a'><unclosed>&nosuch;\x00", "a"),
        (b"<r session='a'></wrong>", "a"),
        (b"<!-- <r session='x'/> --><?pi <r session='y'?>\n<r session='a'>", "a"),
        (b"<r session='&lt;&amp;&#65;&#x42;&quot;'/>", '<&AB"'),
        (b"<r a='\n' session='a>b'/>", "a>b"),
        (b"<r undeclared:a='1' session='a'>", "a"),
        (b"<?xml version='1.1'?><r session='a'>", "a"),
        (b"<r session='&nosuch;'/>", "(no-root)"),
        (b"<r session='a", "(no-root)"),
        (b"<r session='a'", "(no-root)"),
        (b"<r session=a/>", "(no-root)"),
        (b"<r session='a\x01'/>", "(no-root)"),
        (b"<!-- never closed <r session='a'/>", "(no-root)"),
        (b"", "(not-xml)"),
        (b"{}", "(not-xml)"),
        (b"HTTP/1.1 <r session='a'/>", "(not-xml)"),
    ],
)
def test_only_the_start_tag_counts(document: bytes, value: str) -> None:
    """What stands behind it may be anything; what stands in it has to be well formed."""
    assert session(document) == value


def test_a_tag_may_come_in_any_number_of_steps() -> None:
    """Where the reading steps fall does not matter."""
    for blanks in range(480, 540):
        assert session(b"<r" + b" " * blanks + "session='aé'>".encode()) == "aé"


def test_nothing_is_read_from_outside(tmp_path: Path) -> None:
    """External entities, DTDs, XInclude, schemas: no file is opened and no one is called."""
    planted = tmp_path / "planted"
    planted.write_text("<!ENTITY e 'leaked'>")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        for at in (planted.as_uri(), str(planted), url):
            for document in (
                f"<!DOCTYPE r SYSTEM '{at}'><r session='&e;'/>",
                f"<!DOCTYPE r PUBLIC '-//x' '{at}'><r session='&e;'/>",
                f"<!DOCTYPE r [<!ENTITY e SYSTEM '{at}'>]><r session='&e;'/>",
                f"<!DOCTYPE r [<!ENTITY % p SYSTEM '{at}'>%p;]><r session='&e;'/>",
                f"<!DOCTYPE r [<!ATTLIST r session CDATA 'leaked'>]><r/><!-- {at} -->",
            ):
                assert session(document.encode()) == "(dtd)"
                assert session(document.encode("utf-16")) == "(dtd)"
                assert session(document.encode("cp037"), "cp037") == "(dtd)"
            xinclude = "http://www.w3.org/2001/XInclude"
            assert session(f"<x:include xmlns:x='{xinclude}' href='{at}'/>".encode()) is None
            xsi = "http://www.w3.org/2001/XMLSchema-instance"
            schema = f"<r xmlns:x='{xsi}' x:noNamespaceSchemaLocation='{at}' session='a'/>"
            assert session(schema.encode()) == "a"
        with pytest.raises(TimeoutError):
            server.accept()


def _laughs() -> str:
    entities = "".join(
        f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" if n else "<!ENTITY e0 'ha'>" for n in range(12)
    )
    return f"<?xml version='1.0'?><!DOCTYPE r [{entities}]><r session='&e11;'/>"


HOSTILE = {
    "billion laughs": _laughs(),
    "one long entity": f"<!DOCTYPE r [<!ENTITY e '{'x' * 30_000}'>]><r session='{'&e;' * 9000}'/>",
    "many attributes": "<r " + " ".join(f"a{n:x}=''" for n in range(7000)) + " session='a'>",
    "many namespaces": "<r " + " ".join(f"xmlns:a{n:x}='u'" for n in range(4500)) + " session='a'>",
    "one attribute": f"<r session='{'x' * MAX_DECODED}",
    "references": "<r session='" + "&#x41;" * 10_000 + "'>",
    "comments": "<!---->" * 9000 + "<r session='a'>",
    "instructions": "".join(f"<?a{n:x}?>" for n in range(7500)),
    "blanks": "<a" + " " * MAX_DECODED,
    "blanks first": " " * 255 + "<" + " " * MAX_DECODED,
    "declaration": "<?xml" + " " * MAX_DECODED,
    "encodings": "<?xml " + "encoding='" * 6000,
    "long name": "<" + "a" * MAX_DECODED,
    "colons": "<a " + ":" * MAX_DECODED,
}


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32", "cp500", "hz", "gb18030", None])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_cost_little(name: str, charset: str | None) -> None:
    """Expansion, quadratic blow-up and endless tags do not blow up, in any encoding."""
    document = HOSTILE[name].encode(charset or "utf-8")[:MAX_DECODED]
    began = time.thread_time()
    value = session(document, charset or "gb18030")
    assert time.thread_time() - began < 5
    assert value is None or len(value) <= MAX_DECODED


@given(st.binary(max_size=200), st.sampled_from(CHARSETS))
@example(b"<r ", "utf-8")
@example(b"<!DOCTYPE r [", "utf-8")
@example("<?xml version='1.0' encoding='utf-16'?><r".encode("utf-16"), "utf-8")
@example(b"<r session='\xff", "utf-8")
def test_a_document_leaves_no_trace_on_the_next(document: bytes, charset: str) -> None:
    """The parser is used again and again; whatever it met before, it reads the next the same."""
    for start in (b"", b"<", b"<?xml version='1.0' encoding='"):
        session(start + document, charset)
        assert session(b"<r session='\xc3\xa9'/>") == "é"
        assert session(b"<rsp/>") is None


def test_threads_do_not_meet() -> None:
    """Each thread reads with a parser of its own."""
    start = threading.Barrier(4)

    def read(n: int) -> bool:
        start.wait()
        document = b"<!-- " + b"x" * 2000 + b" --><r session='%d'/>" % n
        return all(session(document) == str(n) for _ in range(200))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(read, range(4)))


def test_roots_in_many_encodings() -> None:
    """Entities, prefixes, a document type and broken tags give the same in each encoding."""
    for document, value in (
        ("<!-- x --><?pi x?><r session='&lt;&#65;é' xmlns='u' x:y='1' xmlns:x='v'>", "<Aé"),
        ("<!DOCTYPE r [<!ENTITY e 'x'>]><r session='&e;'/>", "(dtd)"),
        ("<r session='&nosuch;'/>", "(no-root)"),
        ("<r session='a'", "(no-root)"),
        ("<r undeclared:a='1' session='a'></wrong>", "a"),
        ('<r session="a" session="b">', "(no-root)"),
        ('<r undeclared:session="a" xmlns:session="b" session="c"/>', "c"),
    ):
        for charset in ("utf-8", "utf-16", "utf-32", "cp037", "shift_jis", "windows-1252"):
            if charset != "shift_jis" or document.isascii():
                assert session(document.encode(charset), charset) == value


NAMES = st.sampled_from(["a", "session", "xmlns", "xml", "A.b-c", "x:y", "_", "1", "é"])
SAID = st.sampled_from(
    ['="1"', "='a>b'", '="&amp;"', "='<'", '="\t"', '=""', " = 'x'", "=''", '="é"']
)
STARTS = st.sampled_from(
    ["", "\n", "\ufeff", "<?xml version='1.0'?>", '<?xml version="1.0" encoding="utf-8" ?>\n',
     "<?xml version='1.0' encoding='latin-1'?>", "<!-- -->"]
)  # fmt: skip


@given(
    STARTS,
    NAMES,
    st.lists(st.tuples(st.sampled_from([" ", "\n", "", "  "]), NAMES, SAID), max_size=4),
    st.sampled_from([">", "/>", " >", "", "?>"]),
)
def test_the_root_is_what_lxml_reads(start, name, attributes, end) -> None:
    """Where lxml reads a document, its root has the same attributes without a prefix."""
    tag = "".join(blank + key + said for blank, key, said in attributes)
    document = f"{start}<{name}{tag}{end}<more/></{name}>".encode()
    try:
        read = etree.fromstring(document.lstrip()).attrib
    except etree.XMLSyntaxError:
        return
    found = root_attributes(document)
    assert {k: v for k, v in found.items() if ":" not in k} == {
        k: v for k, v in read.items() if not k.startswith("{")
    }


def test_names_that_an_origin_makes_up_do_not_stay_in_memory() -> None:
    """The parser keeps no name of a document that it has read."""

    def read(count: int) -> int:
        for n in range(count):
            names = " ".join(f"a{n:x}-{m:x}-{'x' * 90}='&amp;'" for m in range(500))
            assert session(f"<r {names} session='a'/>".encode()) == "a"
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize()

    before = read(40)
    assert read(400) - before < 8 << 20  # 20 MB of names
