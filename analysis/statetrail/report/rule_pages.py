"""The pages of the rules, as the report shows them: the explanation, and the traffic of both sides.

Enters: a rule's id. Leaves: the part of its page that is written by hand, in blocks. The page is
that of the documentation, so a report is read without it.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

_FENCE: Final = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_HAND_PART: Final = "<!-- Written by hand from here on. -->"


class Block(NamedTuple):
    """A heading, a paragraph, or a conversation."""

    kind: Literal["heading", "text", "traffic"]
    text: str


@cache
def rule_page(rule: str) -> tuple[Block, ...]:
    """The blocks of a rule's page in their order; none if there is no such page.

    >>> [block.kind for block in rule_page("stale-value")]
    ['text', 'heading', 'traffic', 'heading', 'traffic']
    >>> rule_page("../index")
    ()
    """
    if not re.fullmatch(r"[a-z0-9-]+", rule):  # a name of an audit.json, which may be anyone's
        return ()
    page = files("statetrail") / "docs" / "rules" / f"{rule}.md"
    if not page.is_file():
        return ()
    _, _, text = page.read_text("utf-8").partition(_HAND_PART)
    blocks: list[Block] = []
    for at, part in enumerate(_FENCE.split(text)):
        if at % 2:
            blocks.append(Block("traffic", part.rstrip()))
            continue
        for paragraph in filter(None, map(str.strip, part.split("\n\n"))):
            kind: Literal["heading", "text"] = "heading" if paragraph[0] == "#" else "text"
            blocks.append(Block(kind, _LINK.sub(r"\1", paragraph.lstrip("# "))))
    return tuple(blocks)
