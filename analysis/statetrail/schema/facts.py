"""The fact tables: what is recorded of exchanges, and of the captures that recorded them."""

from typing import Final

from statetrail.schema.columns import (
    DIALECT,
    EXCHANGE,
    FAMILY,
    FINGERPRINT,
    NORMAL,
    PARAM,
    PREFIX,
    RENAMED,
    VALUE,
    Column,
    Table,
)

# fmt: off

EXCHANGES: Final = Table(
    "exchanges", "one request with its response or its error",
    (
        EXCHANGE,
        Column("capture_id", "int", "The capture that added it; in a capture, ids are in order of arrival", "recorded before version 3", since=3),
        Column("flow_id", "text", "mitmproxy's flow id; for a HAR entry a keyed digest of it"),
        Column("request_start_us", "timestamp", "First byte of the request"),
        Column("request_end_us", "timestamp", "Last byte of the request", "not known"),
        Column("response_start_us", "timestamp", "First byte of the response", "no response, or not known"),
        Column("response_end_us", "timestamp", "Last byte of the response", "never ended, or not known"),
        Column("peer", "text", "The client's network address, without its port", "not known"),
        Column("user_agent", "text", "`User-Agent`, at most 256 characters", "not sent"),
        Column("proxy_user", "text", "User name of the proxy authentication: a pseudonym unless `--clear proxy-user`", "none"),
        Column("client_header", "text", "The header named by `statetrail_client_header`; a pseudonym unless `--clear client-header`, and where that header carries a credential", "not configured or not sent"),
        Column("method", "text", "Request method"),
        Column("scheme", "text", "`http` or `https`"),
        Column("host", "text", "Host that was asked, lower case"),
        Column("port", "int", "Port that was asked"),
        Column("path", "text", "Path without its query; token-like segments are pseudonyms (`~1a2b3c4d`)"),
        Column("endpoint", "text", "Path with identifiers as `{id}`"),
        Column("status", "int", "Status code", "no response"),
        Column("http_version", "text", "HTTP version of the request"),
        Column("request_bytes", "int", "Size of the request body as sent", "not known"),
        Column("response_bytes", "int", "Size of the response body as sent", "not known"),
        Column("error", "text", "Why the exchange did not complete, from a closed list", "completed"),
        Column("cache_control", "text", "Known `Cache-Control` directives of the response (RFC 9111)", "none"),
        Column("age_s", "int", "`Age` of the response in seconds: it came from a cache; at least 1 where another field says so (`X-Cache`)", "none"),
        Column("request_origin", "text", "`Origin` of the request: a browser, cross-origin", "not sent"),
        Column("exposed_headers", "text", "`Access-Control-Expose-Headers`, lower case, comma separated", "not sent"),
        Column("dialects", "text", "Dialects that matched the exchange, comma separated; may be empty"),
        Column("notes", "text", "What the capture could not see or had to bound, comma separated; may be empty"),
        Column("source", "text", "The imported HAR file, with the number of its capture: a client of its own", "recorded live, or from a flow file", since=3),
        Column("fetch_dest", "text", "`Sec-Fetch-Dest` of the request", "not sent", since=3),
        Column("redirect_endpoint", "text", "Endpoint at the same host that a redirect leads to, without the key of a session", "no redirect, to another host, or with the key in its query", since=3),
        Column("fetch_site", "text", "`Sec-Fetch-Site` of the request", "not sent", since=4),
        Column("fetch_mode", "text", "`Sec-Fetch-Mode` of the request", "not sent", since=4),
        Column("fetch_storage_access", "text", "`Sec-Fetch-Storage-Access` of the request", "not sent", since=4),
        Column("has_cookies", "int", "1: the request had a `Cookie` field; 0: it had none", "recorded before version 4", since=4),
        Column("refused", "text", "Parameters that the response refuses or asks for, `dialect:param`, comma separated", "none", since=4),
        Column("request_composed_us", "timestamp", "When the client composed the request, before it waited in a queue or for a connection", "not known: it is taken to be the first byte", since=5),
        Column("time_error_s", "int", "By how many seconds the times of the exchange may be later than they say", "they are exact", since=5),
    ),
    ("exchange_id",), fact=True,
)

ISSUED: Final = Table(
    "issued", "one value that a response issued",
    (
        EXCHANGE,
        Column("ordinal", "int", "Position among the values that this exchange issued"),
        DIALECT, PARAM, VALUE, FINGERPRINT, NORMAL, PREFIX,
        Column("usage", "text", "Where it is to be presented: a channel of `presented`; `implicit`: nowhere, or in any of several places", "malformed"),
        Column("priority", "text", "`informational` or `forced`", "malformed"),
        Column("channel", "text", "The place where it was issued: `header`, `cookie`, `json`, `html`, `script`, `location`, or `body` (XML)"),
        Column("problem", "text", "Why it is malformed, from a closed list", "well formed"),
        Column("length", "int", "Characters of the value"),
        Column("alphabet", "text", "Character classes used, e.g. `lower+upper+digit`"),
        Column("declared_s", "int", "Lifetime in seconds that the issue states: of a cookie, beside the value, or from `iat` to `exp` of a JSON Web Token (RFC 7519)", "it states none", since=2),
        Column("kind", "text", "`void`: a deletion, or a word that is no value; it ends the value before", "it is a value", since=4),
        FAMILY,
        Column("cookie_domain", "text", "`Domain` of the cookie, without a leading dot", "the host alone, or no cookie", since=4),
        Column("cookie_path", "text", "`Path` of the cookie", "the default one, or no cookie", since=4),
        Column("cookie_flags", "text", "`secure`, `httponly`, `partitioned`, `samesite=…`, `refused=…` (why a browser does not store it) and `unclear` (browsers read its end differently); comma separated", "no cookie", since=4),
        Column("tells", "int", "1: issued at a place that shows that the origin speaks the dialect", "it does not show it", since=4),
    ),
    ("exchange_id", "ordinal"), fact=True,
)

PRESENTED: Final = Table(
    "presented", "one value that a request presented",
    (
        EXCHANGE,
        Column("ordinal", "int", "Position among the values that this exchange presented"),
        DIALECT, PARAM, VALUE, FINGERPRINT, NORMAL, PREFIX,
        Column("channel", "text", "The place where it was presented: `header`, `cookie`, `uriquery` (the query), `path`, `form` or `json`"),
        Column("kind", "text", "`value`, `establish` (asks for a new value), `empty`, `ends` (a revocation), `due` (a cookie that says which value is due) or `placeholder` (a sanitiser has replaced it)"),
        FAMILY,
    ),
    ("exchange_id", "ordinal"), fact=True,
)

CAPTURES: Final = Table(
    "captures", "one run of the recorder or one imported file",
    (
        Column("capture_id", "int", "The capture, unique in the store"),
        Column("source", "text", "`live`, or the format of the imported file"),
        Column("name", "text", "File name without its folder", "live"),
        Column("started_us", "timestamp", "When it began", was="at_us"),
        Column("exchanges", "int", "Exchanges it added to the store"),
        Column("duplicates", "int", "Exchanges that were there already"),
        Column("skipped", "int", "Entries that are no HTTP exchange or cannot be read; of a live recording, requests that mitmproxy refused"),
        Column("problem", "text", "What was lost, in a sentence", "nothing"),
    ),
    ("capture_id",), fact=True,
)

TOKEN_CANDIDATES: Final = Table(
    "token_candidates", "one value that looked like a token somewhere in a request, other than presented state",
    (
        EXCHANGE,
        Column("ordinal", "int", "Position among the token candidates of this exchange"),
        Column("place", "text", "`query`, `path`, `referer` or `header`"),
        FINGERPRINT,
    ),
    ("exchange_id", "ordinal"), fact=True, was="traces",
)

FACTS: Final = (EXCHANGES, ISSUED, PRESENTED, CAPTURES, TOKEN_CANDIDATES)

SCHEMA_VERSION: Final = max(RENAMED, *(column.since for table in FACTS for column in table.columns))
"""Version of the stored tables; a store of a later version is refused, never guessed at.

One of an earlier version is read as it is, without the columns that came since (`Column.since`),
and is given these when it is opened for writing.
"""

CLIENT_BY: Final[dict[str, str]] = {
    "peer": "peer",
    "user-agent": "user_agent",
    "proxy-user": "proxy_user",
    "header": "client_header",
    "source": "source",
}
"""What a client can be told apart by: the name a user gives → the column of `exchanges`."""
