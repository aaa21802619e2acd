"""The secret values of an exchange, and how they are kept out of everything else in it.

Enters: the values that were issued or presented, then each text that would be kept. Leaves: the
text with the secrets replaced by their pseudonyms. A client or an origin can write a token
anywhere (a path, a user agent, a header's name), so each is looked for as it is, in any case,
percent-encoded once or more, and in base64 at any offset. So is what
other exchanges disclosed (`KnownValues`). Hiding errs towards too much: a hidden
word costs legibility, a kept token is a leak.
"""

import re
import urllib.parse
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from statetrail.extract.fingerprint import Fingerprinter, normal_form, raw_bytes
from statetrail.extract.known_values import KnownValues

MIN_EQUAL: Final = 4
"""Characters from which on a text that *is* a secret is hidden; shorter ones are everywhere."""
MIN_WITHIN: Final = 6
"""Characters from which on a secret is looked for within other text."""
MIN_COMMON: Final = 8
"""Letters from which on a word is a secret for other exchanges too: ``android`` is none."""
MAX_SECRETS: Final = 256

MAX_WITHOUT: Final = 32
"""Texts without a secret that are known of one exchange's."""

CACHED: Final = 2048
"""Secrets whose forms are cached."""

# A text may have been cut inside a secret: its beginning is enough to know it by.
KNOWN_BY: Final = 32
"""Characters of a secret by which it is known."""
_MAX_DECODINGS: Final = 3
# Continues no writing of a secret; one that holds it is looked for once more, text by text.
_BETWEEN: Final = "\0"
_IN_ID: Final = re.compile(r"[0-9a-fhr-]+")


class Secrets:
    """The secrets of one exchange, and of `others`.

    With `blind` not all secrets are known, since the exchange had too much of something: then every
    text is hidden as a whole.
    """

    __slots__ = (
        "_fingerprinter", "_forms", "_in_ids", "_others", "_remembered", "_values", "_without",
        "blind",
    )  # fmt: skip

    def __init__(self, fingerprinter: Fingerprinter, others: KnownValues | None = None) -> None:
        self.blind = False
        self._others = others
        self._remembered: int | None = None
        self._fingerprinter = fingerprinter
        self._values: dict[str, str] = {}
        self._forms: tuple[str, ...] | None = ()
        self._in_ids: tuple[str, ...] | None = None
        # Texts of other exchanges with these secrets in which there is none of them.
        self._without: set[str] = set()

    def add(self, value: str) -> None:
        """Add a secret value."""
        if len(value) < MIN_EQUAL:
            return
        if len(self._values) >= MAX_SECRETS:
            self.blind = True
            return
        self._values.setdefault(value.casefold(), value)
        self._forms = self._in_ids = None
        self._without.clear()

    def near(self, *texts: str) -> bool:
        """Whether a secret of the exchange may be within one of the texts, each as its `writings`.

        If not, `hide` changes none of them, but for secrets of other exchanges.
        """
        if self.blind:
            return True
        if not self._values:
            return False
        without = self._without
        new = [text for text in texts if text not in without]
        if not new:
            return False
        together = _BETWEEN.join(new)
        for form in self._known_forms():
            if form in together:
                return True
        if len(without) >= MAX_WITHOUT:
            without.clear()
        without.update(new)
        return False

    def near_id(self, text: str) -> bool:
        """Whether a secret of the exchange may be within an id of hexadecimal digits."""
        if self._in_ids is None:
            self._in_ids = tuple([form for form in self._known_forms() if _IN_ID.fullmatch(form)])
        for form in self._in_ids:
            if form in text:
                return True
        return self.blind

    def remember(self) -> None:
        """Tell other exchanges of these secrets."""
        others = self._others
        if others is None or not self._values:
            return
        if self._remembered is None or others.stale(self._remembered):
            for value in self._values.values():
                if len(value) >= MIN_COMMON or not value.isalpha():
                    others.add(value, forms(value))
            self._remembered = others.uses

    def known(self, texts: Iterable[str]) -> bool:
        """Whether one of the case-folded texts is a secret as it stands."""
        return self.blind or not self._values.keys().isdisjoint(texts)

    def equal(self, text: str) -> bool:
        """Whether the text is a secret as it stands."""
        return self.blind or text.casefold() in self._values

    def hold(self, text: str) -> bool:
        """Whether the text is a secret, or one is within it in some writing."""
        return self.equal(text) or self._within(text) or self._of_others(text)

    def hide(self, text: str) -> str:
        """The text with every secret within it replaced by its pseudonym."""
        if self.blind:
            return self._fingerprinter.pseudonym(text)
        hidden = text
        if not self._within(text):
            if not self._of_others(text):
                return text
            hidden = self._others.hide(text) if self._others is not None else text
            return self._fingerprinter.pseudonym(text) if self._of_others(hidden) else hidden
        for secret in sorted(self._values, key=len, reverse=True):
            if len(secret) >= MIN_WITHIN and secret in hidden.casefold():
                name = self._fingerprinter.pseudonym(self._values[secret])
                hidden = re.sub(re.escape(secret), name, hidden, flags=re.IGNORECASE)
        left = self._within(hidden) or self._of_others(hidden)
        return self._fingerprinter.pseudonym(text) if left else hidden

    def _of_others(self, text: str) -> bool:
        """Whether a secret of another exchange is in the text."""
        others = self._others
        if others is None or len(text) < MIN_WITHIN:
            return False
        return others.near(text) or any(map(others.within, writings(text)[1:]))

    def _within(self, text: str) -> bool:
        if len(text) < MIN_WITHIN or not self._values:
            return False
        forms = self._known_forms()
        for writing in writings(text):
            for form in forms:
                if form in writing:
                    return True
        return False

    def _known_forms(self) -> tuple[str, ...]:
        if self._forms is None:
            each = (form for value in self._values.values() for form in forms(value))
            self._forms = tuple(dict.fromkeys(each))
        return self._forms


@lru_cache(CACHED)
def forms(secret: str) -> tuple[str, ...]:
    """What gives a secret away in case-folded, percent-decoded text."""
    written = [secret.casefold(), normal_form(secret)]
    # In base64 the characters that depend on what stands before or behind are left out.
    raw = raw_bytes(secret[:KNOWN_BY])
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        coded = b64encode(bytes(offset) + raw)[first : (offset + len(raw)) * 8 // 6].decode()
        written.append(coded.lower())
        if "+" in coded or "/" in coded:
            written.append(coded.translate(_URL_SAFE).lower())
    return tuple([form[:KNOWN_BY] for form in written if len(form) >= MIN_WITHIN])


_URL_SAFE: Final = str.maketrans("+/", "-_")


def writings(text: str) -> list[str]:
    """What secrets are looked for in: the case-folded text, as it stands and percent-decoded, with
    ``+`` as itself and as a blank.
    """
    if "%" not in text and "+" not in text:
        return [text.casefold()]
    variants = [text]
    for _ in range(_MAX_DECODINGS):
        if "%" not in text:
            break
        text = urllib.parse.unquote(text, errors="surrogateescape")
        variants.append(text)
    variants += [writing.replace("+", " ") for writing in variants if "+" in writing]
    return list(dict.fromkeys([writing.casefold() for writing in variants]))
