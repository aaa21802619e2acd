"""The places between which values are paired, and what stands in them.

Places are numbered as they are met, since millions of sightings name the same few.
"""

import re
from typing import Final, NamedTuple

from statetrail.extract.text import segment_kind, target_segments

MAX_VALUE: Final = 4096
"""Characters of a value that is looked at."""
MIN_OPAQUE: Final = 8
"""Characters from which on a value may be nobody's but the server's."""
MAX_PLAIN: Final = 16
"""Characters of a value that counts between kindred names alone."""

_PLAIN_TEXT: Final = re.compile(
    r"[0-9.,:+TZ/ -]+"  # numbers, dates, times, versions
    r"|(?i:https?:|www\.|//|data:|mailto:|#).*"
    r"|[^@\s]+@[^@\s]+\.[a-z]{2,}"
    r"|[A-Za-z]+/[A-Za-z0-9.+-]+"  # media types
    r"|[0-9]+x[0-9]+.*"
    r"|.*[\s<>{}].*"
    r"|(?i:.*\.(?:css|gif|html?|ico|jpe?g|js|json|php|png|svg|webp|woff2?|xml|aspx?|jsp))",
    re.DOTALL,
)
_WORDS: Final = re.compile(r"[^A-Za-z0-9]+")
_DIGITS: Final = re.compile(r"[0-9]{16,}")
ASSET: Final = re.compile(
    rb"\.(?:avif|bmp|css|eot|gif|ico|jpe?g|js|map|mjs|mp[34]|otf|png|svg|ttf|wasm|webm|webp|woff2?)"
    rb"\Z",
    re.IGNORECASE,
)
"""The end of the path of a file that a page loads."""


class Place(NamedTuple):
    """A place of values: the key that it has in a dialect's TOML, and what that says.

    `scheme` is that of an ``Authorization`` field, the decoding or grammar of the value, or the
    method and path that a pointer without a name of its own is answered to.
    """

    kind: str
    name: str
    scheme: str = ""

    @property
    def label(self) -> str:
        """The name by which it is kin to others: of a JSON pointer the last step that tells."""
        if self.kind == "json":
            steps = [step for step in self.name.split("/") if step and not step.isdigit()]
            return (
                "_".join(steps[-2:]) if steps and steps[-1].lower() == "id" else "".join(steps[-1:])
            )
        if self.kind == "html":
            return self.name.partition(" ")[2].lstrip(";")
        if self.kind == "path":
            return self.name.removesuffix("/{}").rpartition("/")[2].lstrip(";")
        return self.name.lstrip(";@")


class Numbered[T]:
    """Things by the number in which they were first met."""

    def __init__(self) -> None:
        self._numbers: dict[T, int] = {}
        self._things: list[T] = []

    def __getitem__(self, number: int) -> T:
        return self._things[number]

    def __len__(self) -> int:
        return len(self._things)

    def number(self, thing: T) -> int:
        """The number of a thing."""
        number = self._numbers.setdefault(thing, len(self._things))
        if number == len(self._things):
            self._things.append(thing)
        return number


def is_opaque(value: str) -> bool:
    """Whether a value looks as if only who made it knew it: no word, number, date or address.

    >>> is_opaque("yjipILZBeUWxrFq"), is_opaque("2024-05-01T10:00"), is_opaque("add-to-cart")
    (True, False, False)
    """
    if not MIN_OPAQUE <= len(value) <= MAX_VALUE:
        return False
    if _PLAIN_TEXT.fullmatch(value):
        return _DIGITS.fullmatch(value) is not None
    if value.isalpha() and len(value) < 10:
        return False
    parts = _WORDS.split(value) if len(value) < 64 else (value,)
    return any(len(part) >= 6 and segment_kind(part) == "opaque" for part in parts) or (
        segment_kind(value) == "opaque" and sum(map(str.isdigit, value)) >= 3
    )


def template(target: bytes) -> str:
    """The path of a target with what is no word as ``*``.

    >>> template(b"/v3/baskets/4711/state?x=1")
    '/v3/baskets/*/state'
    """
    shown, before = [], ""
    for segment in target_segments(target)[:16]:
        bare = segment.partition(";")[0]
        shown.append(bare if segment_kind(bare.strip("_$@"), before) == "word" else "*")
        before = bare
    return "/".join(shown) or "/"
