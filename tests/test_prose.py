"""Sentences that readers stumbled over are not written again, nor others of their kind."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ODD = re.compile(
    r"whoever|gravest|graver|by and by|not suffice|is (?:not )?settled|as good as|told now"
    r"|all that tells|took a cart along|was to be\b|token of before|cache else|from below alone"
    r"|made otherwise|this is how it works|some time in all|in other case|that grave|a last day"
    r"|where listening|(?:is|are) told with|place is told|nobody is judged|nobody can tell"
    r"|tells nobody|binds nobody|else no client|all in all",
    re.IGNORECASE,
)
"""Each has a plain word: anyone, most severe, gradually, too little, otherwise."""


def texts() -> Iterator[tuple[str, str]]:
    """What a user may read: pages, templates, and the strings of the code that are no docstrings
    but those of commands."""
    for path in [*ROOT.glob("*.md"), *(ROOT / "analysis").rglob("*.md")]:
        if path.name != "CHANGELOG.md":
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")
    for path in (ROOT / "analysis").rglob("*.j2"):
        yield str(path.relative_to(ROOT)), path.read_text("utf-8")
    for path in [*(ROOT / "analysis").rglob("*.py"), *(ROOT / "addons").rglob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        statements = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == "command":
                yield str(path.relative_to(ROOT)), ast.get_docstring(node) or ""
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in statements:
                yield str(path.relative_to(ROOT)), node.value


def test_no_odd_sentence_is_left():
    """In what a user may read."""
    found = [
        (path, odd[0]) for path, text in texts() for odd in ODD.finditer(" ".join(text.split()))
    ]
    assert found == []
