"""The sources that rules cite, written the same way everywhere."""

from typing import Final

_CWE: Final = {
    200: "Exposure of Sensitive Information to an Unauthorized Actor",
    319: "Cleartext Transmission of Sensitive Information",
    331: "Insufficient Entropy",
    384: "Session Fixation",
    472: "External Control of Assumed-Immutable Web Parameter",
    488: "Exposure of Data Element to Wrong Session",
    525: "Use of Web Browser Cache Containing Sensitive Information",
    598: "Use of GET Request Method With Sensitive Query Strings",
    613: "Insufficient Session Expiration",
}
_RFC: Final = {
    (7519, "4.1.4"): 'Expiration Time Claim ("exp")',
    (9110, "5.3"): "Field Order",
    (9110, "5.5"): "Field Values",
    (9110, "10.1.3"): "Referer",
    (9110, "4.2.2"): "https URI Scheme",
    (9111, "3"): "Storing Responses in Caches",
    (9111, "7.3"): "Caching of Sensitive Information",
    (9700, "4.3.2"): "Access Token in Browser History",
    (9110, "6.6.1"): "Date",
    (9110, "17.9"): "Disclosure of Sensitive Information in URIs",
}
_ASVS: Final = {
    "7.2.3": "reference tokens of at least 128 bits",
    "7.2.4": "a new session token on authentication, the old one ended",
    "7.3.1": "inactivity timeout",
    "7.3.2": "absolute maximum session lifetime",
    "7.4.1": "a terminated session cannot be used any more",
    "9.2.1": "a token is accepted only within the time span that it states",
    "12.2.1": "TLS for all connections",
    "14.2.1": "no sensitive data in the URL",
    "14.2.2": "sensitive data is not cached in server components",
    "14.3.2": "anti-caching headers where sensitive data is returned",
    "16.2.5": "session tokens are logged only hashed or masked",
}
_NIST: Final = {
    "2.2.3": "Reauthentication (AAL2: overall at most 24 h, inactivity at most 1 h)",
    "2.3.3": "Reauthentication (AAL3: overall at most 12 h, inactivity at most 15 min)",
    "5.1": "Session Bindings",
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


def asvs(requirement: str) -> str:
    """A requirement of the OWASP Application Security Verification Standard 5.0."""
    return f"OWASP ASVS v5.0.0-{requirement}: {_ASVS[requirement]}"


def nist(section: str) -> str:
    """A section of NIST SP 800-63B-4."""
    return f"NIST SP 800-63B-4, section {section}: {_NIST[section]}"


owasp_sheet: Final = "OWASP Session Management Cheat Sheet, {}".format
"""A section of the OWASP Session Management Cheat Sheet."""
fetch: Final = "WHATWG Fetch, {}".format
"""A section of the WHATWG Fetch standard."""
method: Final = "statetrail, method: {}".format
"""A term of the report's own method, for rules about the recording itself."""
