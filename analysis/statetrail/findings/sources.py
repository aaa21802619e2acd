"""The sources that rules cite, written the same way everywhere."""

from typing import Final

_CWE: Final = {
    200: "Exposure of Sensitive Information to an Unauthorized Actor",
    384: "Session Fixation",
    472: "External Control of Assumed-Immutable Web Parameter",
    488: "Exposure of Data Element to Wrong Session",
    598: "Use of GET Request Method With Sensitive Query Strings",
}
_RFC: Final = {
    (9110, "5.3"): "Field Order",
    (9110, "5.5"): "Field Values",
    (9110, "10.1.3"): "Referer",
    (9110, "17.9"): "Disclosure of Sensitive Information in URIs",
}


def zest(*rules: str) -> str:
    """Rules of the ZEST protocol."""
    return f"ZEST Ecommerce API, Session handling: {', '.join(rules)}"


def eseller(*rules: str) -> str:
    """Rules of the 52eSELLER protocol."""
    return f"52eSELLER V3 API state headers (01/03/2021): {', '.join(rules)}"


def cwe(number: int) -> str:
    """A weakness of the Common Weakness Enumeration."""
    return f"CWE-{number}: {_CWE[number]}"


def rfc(number: int, section: str) -> str:
    """A section of an RFC."""
    return f"RFC {number}, section {section}: {_RFC[number, section]}"
