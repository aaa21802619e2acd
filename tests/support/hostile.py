"""Hostile text, and how it is told that none of it came to life in a page."""

from importlib.resources import files
from typing import Final

from lxml import etree, html

from support.devtools import Page

PAYLOADS: Final = {
    "script": "\"'><script>document.title='pwned'</script>",
    "handler": "\"'><img src=x onerror=\"document.documentElement.dataset.pwned='1'\">",
    "attribute": "x\" onmouseover=\"document.title='pwned'\" autofocus onfocus=\"alert(1)",
    "svg": "</svg></style></title><svg onload=\"document.title='pwned'\"><script>1</script></svg>",
    "comment": "--><script>document.title='pwned'</script><!--",
    "address": "javascript:document.title='pwned'",
    "link": "[x](javascript:document.title='pwned') <javascript:alert(1)> ![x](http://x.example/p)",
    "template": "{{123456*7}} {% include 'x' %} ${123456*7} {{ ''.__class__ }} #{7*7}",
    "formula": "=HYPERLINK(\"http://x.example\";\"x\") $\\href{javascript:alert(1)}{x}$",
    "control": "a\x1b[31m\x07\u202egnp.exe\u2066\x00|`b`",
    "vega": "datum.value; {'signal': 'alert(1)'} \\n \\u003cscript\\u003e",
    "backticks": "`</code><script>document.title='pwned'</script>`",
}  # fmt: skip


OWN_SCRIPT: Final = (files("statetrail.report.render") / "templates" / "audit.js").read_text(
    "utf-8"
)
"""The script that the report brings along; it holds no text of a document."""

MARKS: Final = ("svg", "g", "rect", "circle", "path", "text")


def assert_inert(page: str) -> html.HtmlElement:
    """Assert that nothing in an HTML page can run or fetch, but the report's own script.

    Returns the parsed page.
    """
    tree = html.document_fromstring(page)
    own = tree.xpath("/html/head/script")
    assert [script.text for script in own] in ([], [OWN_SCRIPT])
    assert not any(script.attrib for script in own)
    for element in tree.iter(etree.Element):
        tag = str(element.tag).lower()
        if element in own:
            continue
        assert tag not in {"script", "iframe", "object", "embed", "form", "base", "link"}, tag
        for name, value in element.attrib.items():
            _assert_attribute(tag, name.lower(), value)
    return tree


def assert_nothing_ran(page: Page) -> None:
    """Assert that nothing but the report's own script ran or runs when its parts are used.

    Every link and button is clicked, every field focused and every fold opened.
    """
    page.run(
        "for (const one of document.querySelectorAll('a, button, summary, input, [tabindex]'))"
        " { one.focus(); one.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));"
        " one.click() }"
    )
    page.run("new Promise((done) => setTimeout(done, 100))")
    assert page.ran() == [OWN_SCRIPT]
    assert page.dialogs() == []
    assert page.run("document.scripts.length") == 1
    assert page.run("document.documentElement.dataset.pwned ?? null") is None
    assert page.run("document.title").startswith("Session state audit")


def _assert_attribute(tag: str, name: str, value: str) -> None:
    assert not name.startswith("on"), (tag, name)
    if name == "href":
        assert value.startswith("#"), value
    assert name not in {"src", "srcset"}, value[:80]
    if name == "style":
        raise AssertionError("a style attribute: the policy does not allow it")


def assert_picture(svg: str) -> None:
    """Assert that an SVG is well formed, and nothing but marks and text."""
    for element in etree.fromstring(svg).iter():
        assert element.tag in {f"{{http://www.w3.org/2000/svg}}{tag}" for tag in MARKS}
        for name in map(str, element.attrib):
            assert name not in {"href", "style", "id"}, name
            assert not name.startswith(("on", "{")), name
