"""Programs by their ``User-Agent``: product and version.

Enters: the text of the field, as recorded. Leaves: the name of a product and its version.
"""

import re
from typing import Final

_PRODUCT: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:/([^\s()<>;,]*))?")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_COMPATIBLE: Final = frozenset({"Mozilla", "AppleWebKit", "Gecko", "Version", "Mobile", "Safari"})
"""What browsers write that are none of these."""


def product(user_agent: str) -> tuple[str, str]:
    """The product that a ``User-Agent`` names first (RFC 9110, section 10.1.5), and its version.

    A browser begins with the names of others, and its own is the last; Safari's version stands
    beside the word ``Version``. Without a version, or with no product at all, the text is empty.

    >>> product("Till/2.11.3 (Linux; arm) okhttp/4.9"), product("curl"), product("")
    (('Till', '2.11.3'), ('curl', ''), ('', ''))
    >>> product("Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537")
    ('Chrome', '120.0')
    >>> product("Mozilla/5.0 (iPhone) AppleWebKit/605 (KHTML, like Gecko) Version/17.2 Safari/605")
    ('Safari', '17.2')
    """
    products: list[tuple[str, str]] = _PRODUCT.findall(_COMMENT.sub(" ", user_agent))
    if not products or products[0][0] != "Mozilla":
        return products[0] if products else ("", "")
    named = [each for each in products if each[0] not in _COMPATIBLE]
    if named:
        return named[-1]
    versions = dict(products)
    if "Safari" in versions:
        return "Safari", versions.get("Version", versions["Safari"])
    return products[0]
