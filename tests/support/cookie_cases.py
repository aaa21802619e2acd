"""What user agents receive and what they send then, case by case.

After the cases of the public suites: the http-state working group's (parser and dates) and those of
the web platform tests; hosts, paths, names and values are our own. The response comes from
``http://www.shop.example/desk/issue``, and the request goes to ``/desk/show`` of the same origin
where a case says nothing else.
"""

from typing import Final, NamedTuple

ISSUER: Final = "www.shop.example"
ISSUE_PATH: Final = "/desk/issue"
SHOW_PATH: Final = "/desk/show"


class Case(NamedTuple):
    """Fields received, and the ``Cookie`` field sent then."""

    name: str
    received: tuple[str, ...]
    sent: str
    host: str = ISSUER
    path: str = SHOW_PATH
    secure: bool = False


def _one(name: str, field: str, sent: str = "") -> Case:
    return Case(name, (field,), sent)


PAIRS: Final = [
    _one("plain", "lang=de", "lang=de"),
    Case("the last one counts", ("lang=de", "lang=fr"), "lang=fr"),
    Case("two names", ("lang=de", "size=9"), "lang=de; size=9"),
    Case("in the order of creation", ("size=9", "lang=de"), "size=9; lang=de"),
    Case("replaced in its place", ("size=9", "lang=de", "size=8"), "size=8; lang=de"),
    _one("comma", "size=9, lang=de", "size=9, lang=de"),
    _one("quotes", 'lang="de"', 'lang="de"'),
    _one("quotes with blanks", 'lang=" de "', 'lang=" de "'),
    _one("quotes with a comma", 'lang="de, size=9"', 'lang="de, size=9"'),
    _one("quotes do not hide a semicolon", 'lang="de;at"', 'lang="de'),
    _one("quotes do not hide an equals sign", 'lang="de=at"', 'lang="de=at"'),
    _one("a quote alone", 'lang="de', 'lang="de'),
    _one("a quote within", 'lang=d"e ;', 'lang=d"e'),
    _one("two pairs of quotes", 'lang="d "   "e"  ;', 'lang="d "   "e"'),
    _one("blanks after the quotes", 'lang="d "   ;', 'lang="d "'),
    _one("an escaped quote", '"la\\"ng"', '"la\\"ng"'),
    _one("blanks before the value", "lang=  de", "lang=de"),
    _one("blanks before the name", "   lang=de", "lang=de"),
    _one("blanks after the value", "lang=de    ;", "lang=de"),
    _one("a blank after the name", "lang =de", "lang=de"),
    _one("a blank within the name", "my lang=de", "my lang=de"),
    _one("tabs", "\tlang\t=\tde\t \t;\tat", "lang=de"),
    _one("equals signs in the value", "  lang=== de  ;x;;;   y", "lang=== de"),
    _one("percent signs stay", "lang=%64%65", "lang=%64%65"),
    _one("not ASCII", "größe=süß", "größe=süß"),
    _one("not ASCII, an attribute", "größe=süß·warm; kalt", "größe=süß·warm"),
    _one("empty value", "lang=", "lang="),
    Case("empty value between others", ("size=9", "lang=", "ab=c"), "size=9; lang=; ab=c"),
    _one("quoted name", '"lang=de"=at', '"lang=de"=at'),
    Case("quoted name, replaced", ('"lang=de"=at', '"lang=ch'), '"lang=ch'),
    _one("dollar sign", "$Version=1; lang=de", "$Version=1"),
    *(_one(f"name {sign}", f"{sign}=7", f"{sign}=7") for sign in "1$!@#%^&*()-_+"),
    _one("nameless", "de", "de"),
    _one("nameless, by an equals sign", "=de", "de"),
    Case("nameless replaces nameless", ("de", "=fr"), "fr"),
    Case("nameless beside others", ("size=9", "=de", "ab=c"), "size=9; de; ab=c"),
    Case("nothing", ("size=9", "", "   ", "\t", "=", " = ", "; lang"), "size=9"),
    _one("attributes of nothing", "; Path=/"),
    _one("nameless pair", "=lang=de"),
    _one("a tab within", "lang=d\te"),
    _one("a tab within an attribute", "lang=de; x=y\tz"),
    _one("4096 octets", "n=" + "v" * 4095, "n=" + "v" * 4095),
    _one("4097 octets", "n=" + "v" * 4096),
    _one("4096 octets of a name", "n" * 4096 + "=", "n" * 4096 + "="),
    _one("4097 octets of a name", "n" * 4097 + "="),
    _one("half and half", "n" * 2048 + "=" + "v" * 2048, "n" * 2048 + "=" + "v" * 2048),
    _one("4096 octets without a name", "=" + "v" * 4096, "v" * 4096),
    _one("4097 octets without a name", "v" * 4097),
    _one("octets are counted, not characters", "n=" + "ü" * 2048),
    *(_one(f"control {ord(c):02x}", f"lang=d{c}e") for c in "\x01\x08\x0b\x0c\x1b\x7f"),
    _one("control in the name", "la\x01ng=de"),
    _one("control in an attribute", "lang=de; x\x01y"),
]
"""Names and values (5.6)."""

ATTRIBUTES: Final = [
    _one("Secure over http", "lang=de; Secure"),
    _one("Secure in any letter case", "lang=de; seCURe"),
    _one("Secure with a value", "lang=de; Secure =yes"),
    _one("Secure among blanks", "lang=de;       Secure     ;"),
    _one("Secure after others", 'lang=de; x="aaa;bbb"; Secure'),
    _one("Secure in quotes is none", 'lang=de; "Secure"', "lang=de"),
    _one("Secure and a word is none", "lang=de; Secure yes", "lang=de"),
    Case("Secure over https", ("lang=de; Secure",), "lang=de", secure=True),
    _one("HttpOnly", "lang=de; HttpOnly=no", "lang=de"),
    _one("unknown", "lang=de; version=1; flavour='a or more'; x; =; ==y; ;;", "lang=de"),
    _one("unknown with commas", "lang=de; x=bar, size=9; y,z=1", "lang=de"),
    _one("Max-Age", "lang=de; max-age=10000;", "lang=de"),
    _one("Max-Age of 0", "lang=de; max-age=0;"),
    _one("Max-Age below 0", "lang=de; Max-Age=-1"),
    _one("Max-Age with a comma", "lang=de; Max-Age=50,399", "lang=de"),
    _one("Max-Age with a point", "lang=de; Max-Age=0.5", "lang=de"),
    _one("Max-Age with a plus", "lang=de; Max-Age=+0", "lang=de"),
    _one("Max-Age with a lone minus", "lang=de; Max-Age=-", "lang=de"),
    _one("Max-Age without a value", "lang=de; Max-Age=; Max-Age", "lang=de"),
    _one("Max-Age of many digits", "lang=de; Max-Age=" + "9" * 100, "lang=de"),
    _one("the last Max-Age counts", "lang=de; Max-Age=9; Max-Age=0"),
    # Not by the draft, by which it is deleted.
    _one("a broken Max-Age undoes one", "lang=de; Max-Age=0; Max-Age=x", "lang=de"),
    _one("Max-Age and more", "lang=de;max-age=3600, c=d;path=/", "lang=de"),
    Case("deleted", ("lang=de; max-age=60", "size=9", "lang=x; max-age=0"), "size=9"),
    Case("nothing to delete", ("size=9", "lang=x; max-age=0"), "size=9"),
    _one("Expires in the future", "lang=de; Expires=Fri, 07 Aug 2089 08:04:19 GMT", "lang=de"),
    _one("Expires in the past", "lang=de; expires=Thu, 10 Apr 1980 16:33:12 GMT"),
    _one("Expires and more", "lang=de; Expires=Fri 07 Aug 2089 08:04:19 GMT, x=y", "lang=de"),
    _one("Expires that is no date", "lang=de; Expires=soon", "lang=de"),
    _one(
        "Max-Age before Expires", "lang=de; max-age=9; expires=Thu, 10 Apr 1980 16:33:12 GMT",
        "lang=de",
    ),
    Case(
        "deleted by Expires",
        ("lang=de", "size=9", "lang=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        "size=9",
    ),
    _one("SameSite=None without Secure", "lang=de; SameSite=None"),
    _one("SameSite of another word", "lang=de; SameSite=None; SameSite=some", "lang=de"),
    _one("Partitioned without Secure", "lang=de; Partitioned"),
]  # fmt: skip
"""Attributes (5.6.1 to 5.6.7)."""

PREFIXES: Final = [
    _one("Secure prefix over http", "__Secure-lang=de"),
    Case("Secure prefix", ("__Secure-lang=de; Secure",), "__Secure-lang=de", secure=True),
    Case("Secure prefix without Secure", ("__Secure-lang=de",), "", secure=True),
    Case("Secure prefix in any letter case", ("__SeCuRe-lang=de",), "", secure=True),
    Case("Host prefix", ("__Host-lang=de; Secure; Path=/",), "__Host-lang=de", secure=True),
    Case("Host prefix without Secure", ("__Host-lang=de; Path=/",), "", secure=True),
    Case("Host prefix without Path", ("__Host-lang=de; Secure",), "", secure=True),
    Case("Host prefix with a Path", ("__host-lang=de; Secure; Path=/desk",), "", secure=True),
    Case("Host prefix with an empty Path", ("__Host-lang=de; Secure; Path=",), "", secure=True),
    Case(
        "Host prefix with a Domain",
        ("__Host-lang=de; Secure; Path=/; Domain=www.shop.example",),
        "",
        secure=True,
    ),
    Case("Secure prefix as a value", ("__Secure-lang; Secure",), "", secure=True),
    Case("Host prefix as a value", ("=__Host-lang=de; Secure; Path=/",), "", secure=True),
    Case("Http prefix", ("__Http-a=b; Secure; HttpOnly",), "__Http-a=b", secure=True),
    Case("Http prefix without HttpOnly", ("__Http-a=b; Secure",), "", secure=True),
    Case(
        "Host-Http prefix without HttpOnly", ("__Host-Http-a=b; Secure; Path=/",), "", secure=True
    ),
    Case("Http prefix as a value", ("__Http-a; Secure; HttpOnly",), "", secure=True),
    Case("other prefixes", ("__Secured-lang=de", "_Host-a=b"), "__Secured-lang=de; _Host-a=b"),
]
"""Prefixes of names (5.4)."""


def _path(name: str, attribute: str, path: str, *, sent: bool) -> Case:
    return Case(name, (f"lang=de; {attribute}",), "lang=de" if sent else "", path=path)


PATHS: Final = [
    Case("longer paths first", ("a=1; path=/", "b=2; path=/desk"), "b=2; a=1"),
    Case("longer paths first, in order", ("b=2; path=/desk", "a=1; path=/"), "b=2; a=1"),
    Case("two paths, two cookies", ("a=1; path=/desk/", "a=2; path=/desk"), "a=1; a=2"),
    Case("another path", ("a=1", "a=2; path=/desk/show/x"), "a=1"),
    _path("none", "path", "/desk/show", sent=True),
    _path("none, elsewhere", "path", "/till", sent=False),
    _path("empty", "path=", "/desk/show", sent=True),
    _path("default", "x", "/desk", sent=True),
    _path("default, above", "x", "/", sent=False),
    _path("default, beside", "x", "/desks", sent=False),
    _path("root", "path=/", "/", sent=True),
    _path("a blank before", "path= /", "/", sent=True),
    _path("blanks", "path    =/till      ; x", "/till", sent=True),
    _path("tabs", "\tpath\t=\t/till\t", "/till", sent=True),
    _path("below", "path=/till", "/till/box", sent=True),
    _path("beside", "path=/till/box", "/till/bag", sent=False),
    _path("above", "path=/till/box", "/till", sent=False),
    _path("another parent", "path=/till/box", "/bag/box", sent=False),
    _path("slash at the end, without", "path=/till/", "/till", sent=False),
    _path("slash at the end, with", "path=/till/", "/till/", sent=True),
    _path("slash at the end, below", "path=/till/", "/till/box", sent=True),
    _path("slash at the end, two", "path=/till/", "/till//box", sent=True),
    _path("slash at the end, beside", "path=/till/", "/tillbox", sent=False),
    _path("letter case", "path=/TILL", "/till", sent=False),
    _path("a query is no path", "path=/till?", "/till?a=b", sent=False),
    _path("the query does not count", "path=/till", "/till?a=/b", sent=True),
    _path("a fragment", "path=/till#", "/till", sent=False),
    _path("a semicolon ends it", "path=/till;", "/till", sent=True),
    _path("quotes", 'path="/till"', "/desk/show", sent=True),
    _path("quotes, not there", 'path="/till"', "/till", sent=False),
    _path("no slash in front", "path=till", "/desk/show", sent=True),
    _path("percent signs are compared", "path=/t%69ll", "/till", sent=False),
    _path("percent signs are alike", "path=/t%69ll", "/t%69ll", sent=True),
    _path("the last counts", "path=/till; path=/", "/desk/show", sent=True),
    _path("the last counts, not there", "path=/; path=/till", "/desk/show", sent=False),
    _path("the last counts, empty", "path=/till; path=", "/desk/show", sent=True),
    _path("the last counts, after empty", "path=; path=/till", "/desk/show", sent=False),
    _path("too long is ignored", f"path=/till; path=/{'x' * 1024}", "/till", sent=True),
    _path("too long is ignored, before", f"path=/{'x' * 1024}; path=/till", "/till", sent=True),
    Case(
        "order of all",
        (
            "key=0;",
            "key=1; path=/desk/show",
            "key=2; path=/",
            "key=3; path=/till",
            "key=4; domain=.shop.example",
            "key=5; domain=.shop.example; path=/desk/show/x",
        ),
        "key=5; key=1; key=0; key=4; key=2",
        path="/desk/show/x/y",
    ),
]
"""Paths (5.1.4, 5.6.4) and order (5.8.3)."""


def _domain(name: str, attributes: str, host: str, *, sent: bool) -> Case:
    return Case(name, (f"lang=de; {attributes}",), "lang=de" if sent else "", host)


WWW, PAY, BELOW, SHOP = ISSUER, "pay.shop.example", "a.www.shop.example", "shop.example"
DOMAINS: Final = [
    _domain("itself", f"domain={WWW}", WWW, sent=True),
    _domain("itself, beside", f"domain={WWW}", PAY, sent=False),
    _domain("itself, below", f"domain={WWW}", BELOW, sent=True),
    _domain("itself, above", f"domain={WWW}", SHOP, sent=False),
    _domain("dot", f"domain=.{WWW}", WWW, sent=True),
    _domain("dot, below", f"domain=.{WWW}", BELOW, sent=True),
    _domain("dot, beside", f"domain=.{WWW}", PAY, sent=False),
    _domain("parent", f"domain={SHOP}", WWW, sent=True),
    _domain("parent, there", f"domain={SHOP}", SHOP, sent=True),
    _domain("parent, beside", f"domain=.{SHOP}", PAY, sent=True),
    _domain("sibling, there", f"domain={PAY}", PAY, sent=False),
    _domain("sibling with a dot", f"domain=.{PAY}", WWW, sent=False),
    _domain("child, there", f"domain={BELOW}", BELOW, sent=False),
    _domain("child, here", f"domain={BELOW}", WWW, sent=False),
    _domain("two dots", f"domain=..{WWW}", WWW, sent=False),
    _domain("two dots within", "domain=www..shop.example", WWW, sent=False),
    _domain("blanks before", f"domain=  .{WWW}", WWW, sent=True),
    _domain("blanks after the dot", f"domain=  .  {WWW}", WWW, sent=False),
    _domain("dot at the end", f"domain={WWW}.", WWW, sent=False),
    _domain("dots at the end", f"domain={WWW}..", WWW, sent=False),
    _domain("blank and dot at the end", f"domain={WWW} .", WWW, sent=False),
    _domain("top-level domain", "domain=example", WWW, sent=False),
    _domain("top-level domain, dot", "domain=.example", WWW, sent=False),
    _domain("top-level domain, dots", "domain=.example.", WWW, sent=False),
    _domain("quotes", f'domain="{WWW}"', WWW, sent=False),
    _domain("port", f"domain={WWW}:80", WWW, sent=False),
    _domain("letter case", "domain=wWw.sHoP.example", WWW, sent=True),
    _domain("letter case of the request", f"domain={WWW}", "wWw.ShOp.example", sent=True),
    _domain("address", "domain=127.0.0.1", WWW, sent=False),
    _domain("not ASCII", "domain=schön.shop.example", WWW, sent=False),
    _domain("ends alike", "domain=op.example", WWW, sent=False),
    _domain("none, here", "x", WWW, sent=True),
    _domain("none, below", "x", BELOW, sent=False),
    _domain("none, above", "x", SHOP, sent=False),
    _domain("empty", "domain=", WWW, sent=True),
    _domain("a dot alone", "domain=.", WWW, sent=False),
    _domain("the last counts, empty", f"domain={PAY}; domain=", WWW, sent=True),
    _domain("empty, below", "domain=", BELOW, sent=False),
    _domain("without a value", "domain", WWW, sent=True),
    _domain("the last counts", f"domain={WWW}; domain=.{SHOP}", PAY, sent=True),
    _domain("the last counts, not there", f"domain=.{SHOP}; domain={WWW}", PAY, sent=False),
    _domain("the last counts, foreign", f"domain={WWW}; domain=www.shop.test", WWW, sent=False),
    _domain("the last counts, own", f"domain=www.shop.test; domain={WWW}", WWW, sent=True),
    _domain("three", f"domain={WWW}; domain=x.test; domain={WWW}", WWW, sent=True),
    _domain("twice", f"domain={WWW}; domain={WWW}", WWW, sent=True),
    _domain("too long is ignored", f"domain={SHOP}; domain={'a' * 1024}.com", PAY, sent=True),
    _domain("too long, before", f"domain={'a' * 1024}.com; domain={SHOP}", PAY, sent=True),
    Case("dot or none is one cookie", (f"a=1; domain={WWW}", f"a=2; domain=.{WWW}"), "a=2"),
    Case("host and domain are two", ("a=1", f"a=2; domain={WWW}"), "a=1; a=2"),
    Case("domain and host are two", (f"a=1; domain={WWW}", "a=2"), "a=1; a=2"),
    Case("parent and child", (f"a=1; domain={SHOP}", f"a=2; domain={WWW}"), "a=1; a=2"),
    Case("deletion of the host's", ("a=1", f"a=2; domain={WWW}", "a=; max-age=0"), "a=2"),
    Case(
        "deletion of the domain's",
        ("a=1", f"a=2; domain={WWW}", f"a=; max-age=0; domain=.{WWW}"),
        "a=1",
    ),
]
"""Domains (5.1.3, 5.6.3) and identity (5.7)."""

CASES: Final = [*PAIRS, *ATTRIBUTES, *PREFIXES, *PATHS, *DOMAINS]

CHROMIUM: Final = {
    # The draft keeps the time of creation in any case, Chromium only with the value.
    "replaced in its place": "lang=de; size=8",
    # The draft lets it count for nothing; the rules say `SetCookie.lifetime_unclear`.
    "Max-Age with a plus": "",
}
"""What Chromium sends where it departs from the draft and the rules do not follow it."""

DATES: Final = {
    "Sat, 14 Nov 2026 09:08:07 GMT": "2026-11-14T09:08:07",
    "Sat, 14-Nov-2026 09:08:07 GMT": "2026-11-14T09:08:07",
    "Saturday, 14-Nov-26 09:08:07 GMT": "2026-11-14T09:08:07",
    "Sat Nov 14 09:08:07 2026": "2026-11-14T09:08:07",
    "Sat Nov 14 09:08:07 2026 GMT": "2026-11-14T09:08:07",
    "Sat, 14 Nov 09:08:07 2026 GMT": "2026-11-14T09:08:07",
    "Sat Nov 14 2026 09:08:07 GMT-0500 (EST)": "2026-11-14T09:08:07",
    "Sat, 14/Nov\\2026 09:08:07 GMT": "2026-11-14T09:08:07",
    "Monday, 14-Nov-26 09:08:07 GMT": "2026-11-14T09:08:07",
    ", 14-Nov-2026 09:08:07 GMT": "2026-11-14T09:08:07",
    "14-Nov-2026 09:08:07": "2026-11-14T09:08:07",
    "Sat,14-Nov-26 09:08:07 GMT": "2026-11-14T09:08:07",
    "Humpty  ,  14-nov-26   09:08:07": "2026-11-14T09:08:07",
    "Humpty, 14 - Novemb-26 09:08:07": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 09:08:07 GMT-2": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 09:08:07 +0900": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 09:08:07 (whatever)": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 09:08:07 19:18:17": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 ::00 09:08:07": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 x:y 09:08:07": "2026-11-14T09:08:07",
    "09:08:07 Sat Nov 14 2026 GMT": "2026-11-14T09:08:07",
    "Sat Nov 09:08:07 14 2026 GMT": "2026-11-14T09:08:07",
    "14-Sat, Nov 09:08:07 GMT 26": "2026-11-14T09:08:07",
    "14 26 Nov 09:08:07": "2026-11-14T09:08:07",
    "Nov 14 26 09:08:07": "2026-11-14T09:08:07",
    "2026 November 14 09:08:07": "2026-11-14T09:08:07",
    "14 November 2026 9:8:7": "2026-11-14T09:08:07",
    "Sat, 4 Jul 2026 0:0:0 GMT": "2026-07-04T00:00:00",
    "Sat, 14-Nov-26 09:08:07.123 GMT": "2026-11-14T09:08:07",
    "Sat, 14-Nov-26 09:08:07a GMT": "2026-11-14T09:08:07",
    "Sat, 14th Nov 2026 09:08:07": "2026-11-14T09:08:07",
    "Mon, 01 Jan 0001 00:00:00 GMT": "2001-01-01T00:00:00",
    "Thu, 01-Jan-1970 00:00:00 GMT": "1970-01-01T00:00:00",
    "Mon, 18-Apr-77 22:50:13 GMT": "1977-04-18T22:50:13",
    "31 Dec 69 23:59:59": "2069-12-31T23:59:59",
    "1 Jan 70 00:00:00": "1970-01-01T00:00:00",
    "29 Feb 2028 00:00:00": "2028-02-29T00:00:00",
    "1 Jan 1601 00:00:00": "1601-01-01T00:00:00",
    "31 Dec 9999 23:59:59": "9999-12-31T23:59:59",
    "Sat, 14-Nov-26 99:08:07 09:08:07": None,
    "Sat, 14-Nov-2026 09: 08:07 GMT": None,
    "98 November 26 09:08:07": None,
    "Sat, 014-Nov-2026 09:08:07 GMT": None,
    "Sat, 14-Nov-20260 09:08:07 GMT": None,
    "Sat, 14-Nov-9999999999 09:08:07 GMT": None,
    "Sat, 999999999999-Nov-2026 09:08:07 GMT": None,
    "Sat, 14-Nov-2026 09:08:7777777777 GMT": None,
    "Sat, 14-Nov-2026 09:08 GMT": None,
    "Sat, 14-Nov-2026 24:00:00 GMT": None,
    "Sat, 14-Nov-2026 09:60:00 GMT": None,
    "Sat, 14-Nov-2026 09:08:60 GMT": None,
    "31 Dec 1600 23:59:59": None,
    "31 Apr 2026 00:00:00": None,
    "29 Feb 2027 00:00:00": None,
    "0 Nov 2026 00:00:00": None,
    "14 Brumaire 2026 09:08:07": None,
    "14 11 2026 09:08:07": None,
    "2026-11-14T09:08:07Z": None,
    "1794647287": None,
    "tomorrow": None,
    "": None,
}
"""Dates, and what they mean (5.1.1)."""
CHROMIUM_DATES: Final = {
    "Sat, 14-Nov-26 09:08:07a GMT": None,
    "Sat, 14th Nov 2026 09:08:07": None,
    "Sat, 14-Nov-20260 09:08:07 GMT": "9999-12-31T23:59:59",
    "31 Dec 1600 23:59:59": "1601-01-01T00:00:00",
}
"""What Chromium reads where it departs from the draft; all but the last are `dates.is_odd`."""
