"""The sources that rules cite, written the same way everywhere.

Enters: a source in short, its kind before its place (``CWE 613``, ``RFC 9110 17.9``, ``ZEST Z4``).
Leaves: the same in full.
"""

from typing import Final

_KINDS: Final = {
    "ZEST": "ZEST Ecommerce API, Session handling: ",
    "52eSELLER": "52eSELLER V3 API state headers (01/03/2021): ",
    "CWE": "CWE-",
    "RFC": "RFC ",
    "ASVS": "OWASP ASVS v5.0.0-",
    "NIST": "NIST SP 800-63B-4, section ",
    "OWASP": "OWASP Session Management Cheat Sheet, ",
    "Fetch": "WHATWG Fetch, ",
    "method": "statetrail, method: ",
}
_TITLES: Final = {
    "CWE 200": "Exposure of Sensitive Information to an Unauthorized Actor",
    "CWE 319": "Cleartext Transmission of Sensitive Information",
    "CWE 331": "Insufficient Entropy",
    "CWE 384": "Session Fixation",
    "CWE 472": "External Control of Assumed-Immutable Web Parameter",
    "CWE 488": "Exposure of Data Element to Wrong Session",
    "CWE 525": "Use of Web Browser Cache Containing Sensitive Information",
    "CWE 598": "Use of GET Request Method With Sensitive Query Strings",
    "CWE 613": "Insufficient Session Expiration",
    "RFC 7519 4.1.4": 'Expiration Time Claim ("exp")',
    "RFC 9110 5.3": "Field Order",
    "RFC 9110 5.5": "Field Values",
    "RFC 9110 10.1.3": "Referer",
    "RFC 9110 4.2.2": "https URI Scheme",
    "RFC 9111 3": "Storing Responses in Caches",
    "RFC 9111 7.3": "Caching of Sensitive Information",
    "RFC 9700 4.14": "Refresh Token Protection",
    "RFC 9700 4.3.2": "Access Token in Browser History",
    "RFC 9110 6.6.1": "Date",
    "RFC 9110 17.9": "Disclosure of Sensitive Information in URIs",
    "ASVS 7.2.3": "reference tokens of at least 128 bits",
    "ASVS 7.2.4": "a new session token on authentication, the old one ended",
    "ASVS 7.3.1": "inactivity timeout",
    "ASVS 7.3.2": "absolute maximum session lifetime",
    "ASVS 7.4.1": "a terminated session cannot be used any more",
    "ASVS 9.2.1": "a token is accepted only within the time span that it states",
    "ASVS 12.2.1": "TLS for all connections",
    "ASVS 14.2.1": "no sensitive data in the URL",
    "ASVS 14.2.2": "sensitive data is not cached in server components",
    "ASVS 14.3.2": "anti-caching headers where sensitive data is returned",
    "ASVS 16.2.5": "session tokens are logged only hashed or masked",
    "NIST 2.2.3": "Reauthentication (AAL2: overall at most 24 h, inactivity at most 1 h)",
    "NIST 2.3.3": "Reauthentication (AAL3: overall at most 12 h, inactivity at most 15 min)",
    "NIST 5.1": "Session Bindings",
}


PROTOCOLS: Final = {"ZEST": "zest", "52eSELLER": "52eseller"}
"""The kinds of sources that are about one dialect."""


def cite(source: str) -> str:
    """A source in full.

    >>> cite("CWE 384"), cite("RFC 9110 5.3"), cite("method times")
    ('CWE-384: Session Fixation', 'RFC 9110, section 5.3: Field Order', 'statetrail, method: times')
    """
    kind, _, place = source.partition(" ")
    if source not in _TITLES:
        return _KINDS[kind] + place
    return f"{_KINDS[kind]}{place.replace(' ', ', section ')}: {_TITLES[source]}"
