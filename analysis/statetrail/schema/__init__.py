"""The one catalogue of tables: columns, types, units, what null means.

Enters: nothing. Leaves: `TABLES`, from which the SQLite DDL, the Arrow schemas, the frame checks
and the documentation are made, so that they cannot drift apart.

Four tables are *facts* (recorded); the others are *results* (computed from the facts by
`statetrail.analyses` and `statetrail.rules`).

Times are ``timestamp`` columns: int64 microseconds since the Unix epoch, UTC, named ``*_us`` in
storage and in every engine; `to_pandas` turns them into tz-aware timestamps and drops the suffix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION: Final = 2
"""Version of the stored tables; a store of a later version is refused, never guessed at.

One of an earlier version is read as it is, without the columns that came since (`Column.since`),
and is given these when it is opened for writing.
"""

type Type = Literal["int", "text", "bool", "float", "timestamp", "fingerprint"]

_SQLITE: Final[dict[Type, str]] = {
    "int": "INTEGER",
    "text": "TEXT",
    "bool": "INTEGER",
    "float": "REAL",
    "timestamp": "INTEGER",
    "fingerprint": "INTEGER",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type, what it says, and what null means (`None`: never null).

    One that is there since a later version of the stored tables than the first can be null.
    """

    name: str
    type: Type
    description: str
    null: str | None = None
    since: int = 1

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field of this column."""
        import pyarrow as pa  # only here: the recorder does without it

        types: dict[Type, pa.DataType] = {
            "text": pa.string(),
            "bool": pa.bool_(),
            "float": pa.float64(),
        }
        return pa.field(self.name, types.get(self.type, pa.int64()), nullable=self.null is not None)

    @property
    def sqlite(self) -> str:
        """The column's definition in SQLite DDL."""
        # Quoted: `references` is a word of SQL.
        return f'"{self.name}" {_SQLITE[self.type]}{"" if self.null else " NOT NULL"}'


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what one row is, its columns in order, the columns that identify a row."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    fact: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        import pyarrow as pa

        return pa.schema([column.arrow for column in self.columns])

    def since(self, version: int) -> tuple[Column, ...]:
        """The columns that a store of that version lacks."""
        return tuple(column for column in self.columns if column.since > version)

    def ddl(self) -> str:
        """The SQLite statement that makes this table."""
        lines = [column.sqlite for column in self.columns]
        # A primary key cannot hold nulls, a unique one can.
        nullable = any(c.null is not None for c in self.columns if c.name in self.key)
        lines.append(f"{'UNIQUE' if nullable else 'PRIMARY KEY'} ({', '.join(self.key)})")
        rowid = "" if len(self.key) == 1 or nullable else ", WITHOUT ROWID"
        return (
            f"CREATE TABLE IF NOT EXISTS {self.name} (\n  "
            + ",\n  ".join(lines)
            + f"\n) STRICT{rowid}"
        )

    def check(self, names: Iterable[str]) -> None:
        """Raise `ValueError` unless `names` are exactly this table's columns, in order."""
        if (found := tuple(names)) != self.names:
            missing = [name for name in self.names if name not in found]
            extra = [name for name in found if name not in self.names]
            raise ValueError(f"{self.name}: missing {missing}, unexpected {extra}, found {found}")


_EXCHANGE = Column("exchange_id", "int", "The exchange, unique in the recording")
_DIALECT = Column("dialect", "text", "The dialect that knows the parameter, e.g. `zest`")
_PARAM = Column("param", "text", "The state parameter, e.g. `_session_token`, `LangId`")
_CLIENT = Column("client", "text", "The client, as decided by `client_by`")
_ORIGIN = Column("origin", "text", "scheme://host:port that was asked (RFC 6454)")
_VALUE = Column("value", "text", "The value in clear", "the value is secret or not a plain one")
_FINGERPRINT = Column(
    "fingerprint", "fingerprint", "Keyed 64-bit BLAKE2b of the value: its pseudonym"
)
_NORMAL = Column(
    "normal_fingerprint",
    "fingerprint",
    "Fingerprint of the value percent-decoded, unquoted, trimmed and lower-cased: "
    "equal where only the writing differs",
)
_PREFIX = Column(
    "prefix_fingerprint",
    "fingerprint",
    "Fingerprint of the first 12 characters: equal where a value was cut short",
    "the value has fewer than 13 characters",
)

EXCHANGES: Final = Table(
    "exchanges",
    "one request with its response or its error",
    (
        _EXCHANGE,
        Column("flow_id", "text", "mitmproxy's flow id; for a HAR entry a keyed digest of it"),
        Column("request_start_us", "timestamp", "First byte of the request"),
        Column("request_end_us", "timestamp", "Last byte of the request", "not known"),
        Column(
            "response_start_us",
            "timestamp",
            "First byte of the response",
            "no response, or not known",
        ),
        Column(
            "response_end_us", "timestamp", "Last byte of the response", "never ended, or not known"
        ),
        Column("peer", "text", "The client's network address, without its port", "not known"),
        Column("user_agent", "text", "`User-Agent`, at most 256 characters", "not sent"),
        Column("proxy_user", "text", "User name of the proxy authentication", "none"),
        Column(
            "client_header",
            "text",
            "The header named by `statetrail_client_header`; a pseudonym where that header carries a credential",
            "not configured or not sent",
        ),
        Column("method", "text", "Request method"),
        Column("scheme", "text", "`http` or `https`"),
        Column("host", "text", "Host that was asked, lower case"),
        Column("port", "int", "Port that was asked"),
        Column(
            "path",
            "text",
            "Path without its query; token-like segments are pseudonyms (`~1a2b3c4d`)",
        ),
        Column("endpoint", "text", "Path with identifiers as `{id}`"),
        Column("status", "int", "Status code", "no response"),
        Column("http_version", "text", "HTTP version of the request"),
        Column("request_bytes", "int", "Size of the request body as sent", "not known"),
        Column("response_bytes", "int", "Size of the response body as sent", "not known"),
        Column(
            "error", "text", "Why the exchange did not complete, from a closed list", "completed"
        ),
        Column(
            "cache_control",
            "text",
            "Known `Cache-Control` directives of the response (RFC 9111)",
            "none",
        ),
        Column("age_s", "int", "`Age` of the response in seconds: it came from a cache", "none"),
        Column(
            "request_origin", "text", "`Origin` of the request: a browser, cross-origin", "not sent"
        ),
        Column(
            "exposed_headers",
            "text",
            "`Access-Control-Expose-Headers`, lower case, comma separated",
            "not sent",
        ),
        Column(
            "dialects", "text", "Dialects that matched the exchange, comma separated; may be empty"
        ),
        Column(
            "notes",
            "text",
            "What the capture could not see or had to bound, comma separated; may be empty",
        ),
    ),
    ("exchange_id",),
    fact=True,
)

ISSUED: Final = Table(
    "issued",
    "one value that a response issued",
    (
        _EXCHANGE,
        Column("ordinal", "int", "Position among the values that this exchange issued"),
        _DIALECT,
        _PARAM,
        _VALUE,
        _FINGERPRINT,
        _NORMAL,
        _PREFIX,
        Column("usage", "text", "`header`, `uriquery` or `implicit`", "malformed"),
        Column("priority", "text", "`informational` or `forced`", "malformed"),
        Column("channel", "text", "Where it was issued: `header` or `body`"),
        Column("problem", "text", "Why it is malformed, from a closed list", "well formed"),
        Column("length", "int", "Characters of the value"),
        Column("alphabet", "text", "Character classes used, e.g. `lower+upper+digit`"),
        Column(
            "declared_s",
            "int",
            "Lifetime in seconds that the value states: from `iat` to `exp` of a JSON Web Token (RFC 7519)",
            "it states none",
            since=2,
        ),
    ),
    ("exchange_id", "ordinal"),
    fact=True,
)

PRESENTED: Final = Table(
    "presented",
    "one value that a request presented",
    (
        _EXCHANGE,
        Column("ordinal", "int", "Position among the values that this exchange presented"),
        _DIALECT,
        _PARAM,
        _VALUE,
        _FINGERPRINT,
        _NORMAL,
        _PREFIX,
        Column("channel", "text", "Where it was presented: `header` or `uriquery`"),
        Column("kind", "text", "`value`, `establish` (asks for a new value) or `empty`"),
    ),
    ("exchange_id", "ordinal"),
    fact=True,
)

CAPTURES: Final = Table(
    "captures",
    "one run of the recorder or one imported file",
    (
        Column("capture_id", "int", "The capture, unique in the store"),
        Column("source", "text", "`live`, `har` or `flows`"),
        Column("name", "text", "File name without its folder", "live"),
        Column("at_us", "timestamp", "When it was begun"),
        Column("exchanges", "int", "Exchanges it added to the store"),
        Column("duplicates", "int", "Exchanges that were there already"),
        Column("skipped", "int", "Entries that are no HTTP exchange or cannot be read"),
        Column("problem", "text", "What was lost, in a sentence", "nothing"),
    ),
    ("capture_id",),
    fact=True,
)

TRACES: Final = Table(
    "traces",
    "one value that looked like a token somewhere in a request, other than presented state",
    (
        _EXCHANGE,
        Column("ordinal", "int", "Position among the traces of this exchange"),
        Column("place", "text", "`query`, `path`, `referer` or `header`"),
        _FINGERPRINT,
    ),
    ("exchange_id", "ordinal"),
    fact=True,
)

VERDICTS: Final = Table(
    "verdicts",
    "one request and one parameter that was issued before",
    (
        _EXCHANGE,
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column("at_us", "timestamp", "Start of the request"),
        Column("verdict", "text", "One of `statetrail.analyses.conformance.verdicts.VERDICTS`"),
        Column("fingerprint", "fingerprint", "The value presented", "none was presented"),
        Column("channel", "text", "Where it was presented", "none was presented"),
    ),
    ("exchange_id", "dialect", "param"),
)

TOKENS: Final = Table(
    "tokens",
    "one value of one parameter of one client",
    (
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        _FINGERPRINT,
        _VALUE,
        Column("length", "int", "Characters of the value", "never seen issued"),
        Column("alphabet", "text", "Character classes used", "never seen issued"),
        Column("issues", "int", "Responses that issued it"),
        Column("uses", "int", "Requests that presented it"),
        Column(
            "first_issued_us",
            "timestamp",
            "Start of the first response that issued it",
            "never seen issued",
        ),
        Column(
            "last_issued_us",
            "timestamp",
            "Start of the last response that issued it",
            "never seen issued",
        ),
        Column(
            "first_presented_us",
            "timestamp",
            "Start of the first request that presented it",
            "never presented",
        ),
        Column(
            "last_presented_us",
            "timestamp",
            "Start of the last request that presented it",
            "never presented",
        ),
        Column(
            "superseded_us",
            "timestamp",
            "Start of the first response that issued another value after this one's last issue",
            "never superseded",
        ),
        Column(
            "uses_in_flight",
            "int",
            "Requests that presented it when a newer one may have been known, but need not have been",
        ),
        Column("uses_late", "int", "Requests that presented it when a newer one had to be known"),
        Column(
            "late_honoured",
            "int",
            "Of `uses_late`: answered with it, or without an error where silence is no sign",
        ),
        Column("successors", "int", "Values that it was rotated to: its edges in `rotations`"),
        Column("ended", "text", "How it ended: one of `statetrail.analyses.tokens.tokens.ENDS`"),
        Column("ended_at_us", "timestamp", "Start of the response that ended it", "open"),
        Column(
            "birth_seen",
            "bool",
            "It was issued before it was first presented (else left-truncated)",
        ),
        Column("observed_s", "float", "Seconds from its first sighting to its last"),
    ),
    ("client", "origin", "dialect", "param", "fingerprint"),
)

ROTATIONS: Final = Table(
    "rotations",
    "one issue of a value that differs from the one issued before",
    (
        _EXCHANGE,
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column("at_us", "timestamp", "Start of the response that issued the new value"),
        Column("from_fingerprint", "fingerprint", "The value before", "first value seen"),
        Column("to_fingerprint", "fingerprint", "The new value"),
        Column("cause", "text", "One of `statetrail.analyses.tokens.rotations.CAUSES`"),
        Column(
            "idle_s",
            "float",
            "Time the old value lay unused: from the end of the last earlier exchange that carried it to the start of this request",
            "no earlier exchange, or it overlaps this one, or its end is not known",
        ),
        Column(
            "idle_high_s",
            "float",
            "Longest time the old value can have lain unused: from the start of the last earlier request that was answered with it to the start of this response",
            "no earlier response issued it",
        ),
        Column(
            "age_s",
            "float",
            "Shortest age of the old value: from the first end of a response that issued it to the start of this request",
            "birth not seen, or that response overlaps this request",
        ),
        Column(
            "age_high_s",
            "float",
            "Longest age of the old value: from the start of the first request that was answered with it to the start of this response",
            "birth not seen",
        ),
    ),
    ("exchange_id", "dialect", "param", "to_fingerprint"),
)

SESSIONS: Final = Table(
    "sessions",
    "one chain of tokens of one client that share what hangs on them",
    (
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column("session_fingerprint", "fingerprint", "Its first token: the session's name"),
        Column("first_us", "timestamp", "Start of the first request that was made in it"),
        Column("last_us", "timestamp", "Start of the last request that was made in it"),
        Column("duration_s", "float", "From the one to the other: how long it was seen"),
        Column("tokens", "int", "Its tokens"),
        Column("requests", "int", "Requests that were made in it"),
        Column("cart_writes", "int", "Of them, successful writes to a cart or basket"),
        Column("logins", "int", "Of them, successful logins"),
        Column(
            "ended",
            "text",
            "How its newest token ended: one of `statetrail.analyses.tokens.tokens.ENDS`",
        ),
        Column("ended_at_us", "timestamp", "Start of the response that ended it", "open"),
        Column(
            "cart_writes_lost",
            "int",
            "Cart writes that were lost with it and not repeated in a session that followed",
            "it was not lost",
        ),
        Column(
            "login_lost",
            "bool",
            "A login was lost with it and not repeated in a session that followed",
            "it was not lost",
        ),
    ),
    ("client", "origin", "dialect", "param", "session_fingerprint"),
)

USES: Final = Table(
    "uses",
    "one request and one token that it presented: a trial of how long tokens live",
    (
        _EXCHANGE,
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        _FINGERPRINT,
        Column("at_us", "timestamp", "Start of the request"),
        Column(
            "outcome",
            "text",
            "`survived` (the server accepted it), `ended` (it answered with another or with 401) "
            "or `unknown`",
        ),
        Column(
            "excluded",
            "text",
            "Why the use says nothing of a lifetime: one of `statetrail.analyses.lifetimes.outcomes.EXCLUDED`",
            "it counts",
        ),
        Column(
            "gap_low_s",
            "float",
            "Shortest time that the token can have lain unused",
            "no earlier use was seen, or excluded",
        ),
        Column(
            "gap_high_s",
            "float",
            "Longest time that the token can have lain unused",
            "no earlier use was surely accepted, or excluded",
        ),
        Column("age_low_s", "float", "Shortest age that the token can have", "excluded"),
        Column(
            "age_high_s",
            "float",
            "Longest age that the token can have",
            "its birth was not seen, or excluded",
        ),
    ),
    ("exchange_id", "dialect", "param", "fingerprint"),
)

CLIENTS: Final = Table(
    "clients",
    "one client at one origin under one dialect",
    (
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        Column("requests", "int", "Requests in the dialect's scope"),
        Column("judged", "int", "Verdicts that count: the denominator of `compliance`"),
        Column("honoured", "int", "Verdicts `honoured`"),
        Column("faults", "int", "Verdicts that count against the client"),
        Column("compliance", "float", "honoured / judged", "nothing to judge"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
    ),
    ("client", "origin", "dialect"),
)

ROOT_CAUSES: Final = Table(
    "root_causes",
    "why one client ignored one parameter: one verdict and one cause of it",
    (
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column("verdict", "text", "The verdict that is explained"),
        Column("cause", "text", "One of `statetrail.analyses.causes.root_causes.ROOT_CAUSES`"),
        Column("confidence", "text", "`low`, `medium` or `high`: how surely it is this cause"),
        Column("count", "int", "Verdicts that it explains"),
        Column("first_us", "timestamp", "Start of the first of these requests"),
        Column("last_us", "timestamp", "Start of the last of these requests"),
        Column(
            "endpoints",
            "text",
            "Where they went, comma separated, at most 10, `…` for more",
        ),
        Column("evidence", "text", "Exchange ids, comma separated, at most 20"),
    ),
    ("client", "origin", "dialect", "param", "verdict", "cause"),
)

EXPIRY: Final = Table(
    "expiry",
    "one parameter that holds tokens at one origin",
    (
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column(
            "policy",
            "text",
            "By what rule tokens end: `idle`, `absolute`, `idle+absolute`, `per-request`, `periodic` (renewed at an age, the old one taken for a while), `age` (one of the two: no late use tells which), `eviction` (lost by chance), `mixed` (two populations), `none-seen` (no end) or `undetermined`",
        ),
        Column(
            "posterior",
            "float",
            "Probability of that rule or its family, of the likeliest one where none is named",
            "too few ends to weigh any",
        ),
        Column(
            "low_s",
            "float",
            "The limit that `policy` names is longer than this: the age for `absolute`, `periodic` and `age`, else the idle timeout",
            "nothing was outlived, or too many tokens contradict",
        ),
        Column(
            "high_s",
            "float",
            "That limit is at most this",
            "no end explains it, or too many tokens contradict",
        ),
        Column("confidence", "text", "Grade of the evidence: `none`, `low`, `medium`, `high`"),
        Column("survived", "int", "Uses that the server accepted"),
        Column("ended", "int", "Tokens that a use found ended"),
        Column("censored", "int", "Tokens presented that no use found ended"),
        Column("excluded", "int", "Uses that say nothing of a lifetime; table `uses` says why"),
        Column("contradictions", "int", "Tokens that the best limit does not explain"),
        Column("lost", "int", "Tokens that ended before the limit that `policy` names"),
        Column(
            "idle_low_s", "float", "The idle timeout is longer than this", "no gap was survived"
        ),
        Column(
            "idle_high_s",
            "float",
            "The idle timeout is at most this",
            "no end tells, or `policy` says that there is none",
        ),
        Column(
            "idle_sharp_low_s",
            "float",
            "The same if no token is wrong and the server is exact",
            "see idle_low_s",
        ),
        Column("idle_sharp_high_s", "float", "Likewise", "see idle_high_s"),
        Column(
            "age_low_s", "float", "The limit on the age is longer than this", "no age was survived"
        ),
        Column(
            "age_high_s",
            "float",
            "The limit on the age is at most this",
            "no end of a token whose birth was seen, or `policy` says that there is none",
        ),
        Column("age_sharp_low_s", "float", "The same if no token is wrong", "see age_low_s"),
        Column("age_sharp_high_s", "float", "Likewise", "see age_high_s"),
        Column(
            "grain_s",
            "float",
            "A use seems to renew a token only if the last one that did is this long ago",
            "renewal seems exact",
        ),
        Column("late_accepted", "int", "Uses of replaced tokens that the server still took"),
        Column("late_refused", "int", "Uses of replaced tokens that it did not take"),
        Column(
            "restarts",
            "text",
            "Moments at which all tokens went, as UTC times, taken out of the evidence; empty for none",
        ),
        Column(
            "calendar_s",
            "float",
            "All tokens go at every full multiple of this, taken out of the evidence",
            "no such calendar is seen",
        ),
        Column(
            "declared_low_s",
            "float",
            "The shortest lifetime that a value states of itself (`declared_s` of table `issued`); no evidence of what the server does",
            "no value states one",
        ),
        Column("declared_high_s", "float", "The longest one", "see declared_low_s"),
        Column("advice", "text", "What traffic would narrow the interval"),
        Column(
            "plan",
            "text",
            "Pauses in seconds, each for a token of its own, that would narrow it; empty for none",
        ),
    ),
    ("origin", "dialect", "param"),
)

SHARED: Final = Table(
    "shared",
    "one credential that several clients presented, and one of them",
    (
        _ORIGIN,
        _DIALECT,
        _PARAM,
        _FINGERPRINT,
        _CLIENT,
        Column("clients", "int", "Clients that presented it"),
        Column(
            "how",
            "text",
            "`handed` (the server issued it to this client first), `taken` (to another) or `unseen`",
        ),
        Column(
            "issued_us",
            "timestamp",
            "Start of the first response that issued it to this client",
            "never seen issued to it",
        ),
        Column("uses", "int", "Requests of this client that presented it"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
        Column("first_id", "int", "One of them: the lowest exchange id"),
    ),
    ("origin", "dialect", "param", "fingerprint", "client"),
)

LEAKS: Final = Table(
    "leaks",
    "one credential in a request to another origin than its own",
    (
        _EXCHANGE,
        _CLIENT,
        _ORIGIN,
        Column("place", "text", "`query`, `path`, `referer` or `header`"),
        _DIALECT,
        _PARAM,
        _FINGERPRINT,
        Column("issued_origin", "text", "The origin that issued it"),
        Column("issued_us", "timestamp", "Start of the first response there that issued it"),
        Column("at_us", "timestamp", "Start of the request"),
    ),
    ("exchange_id", "place", "dialect", "param", "fingerprint", "issued_origin"),
)

OVERRIDES: Final = Table(
    "overrides",
    "one parameter of which a client presented a value of its own choice",
    (
        _CLIENT,
        _ORIGIN,
        _DIALECT,
        _PARAM,
        Column("overrides", "int", "Requests that did: verdict `overridden`"),
        Column("answered", "int", "Of them: the server's next issue was the client's value"),
        Column("fought", "int", "Of them: the server's next issue was another value"),
        Column("unanswered", "int", "Of them: no issue came after"),
        Column("on_baskets", "int", "Of them: attempts to change a basket's state"),
        Column("without_effect", "int", "Of `on_baskets`: fought, so that they changed nothing"),
        Column("first_us", "timestamp", "Start of the first of them"),
        Column("last_us", "timestamp", "Start of the last of them"),
    ),
    ("client", "origin", "dialect", "param"),
)

FINDINGS: Final = Table(
    "findings",
    "one rule that fired for one client, origin and parameter",
    (
        Column("rule", "text", "Stable rule id"),
        Column("title", "text", "The rule's title"),
        Column("severity", "text", "`info`, `low`, `medium` or `high`"),
        Column("confidence", "text", "`low`, `medium` or `high`"),
        Column("audience", "text", "`client`, `api`, `capture` or `security`"),
        Column("client", "text", "The client", "not about one client"),
        Column("origin", "text", "The origin", "not about one origin"),
        Column("param", "text", "The parameter", "not about one parameter"),
        Column("count", "int", "How often it was seen"),
        Column("first_us", "timestamp", "First time", "no time"),
        Column("last_us", "timestamp", "Last time", "no time"),
        Column("message", "text", "Observed, then expected"),
        Column("remedy", "text", "What to do"),
        Column("references", "text", "Exact sources, one a line"),
        Column("evidence", "text", "Exchange ids, comma separated, at most 20; the primary first"),
    ),
    ("rule", "client", "origin", "param"),
)

TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        EXCHANGES,
        ISSUED,
        PRESENTED,
        CAPTURES,
        TRACES,
        TOKENS,
        ROTATIONS,
        SESSIONS,
        USES,
        VERDICTS,
        ROOT_CAUSES,
        CLIENTS,
        EXPIRY,
        OVERRIDES,
        SHARED,
        LEAKS,
        FINDINGS,
    )
}
FACTS: Final = (EXCHANGES, ISSUED, PRESENTED, CAPTURES, TRACES)

CLIENT_BY: Final[dict[str, str]] = {
    "peer": "peer",
    "user-agent": "user_agent",
    "proxy-user": "proxy_user",
    "header": "client_header",
}
"""What a client can be told apart by: the name a user gives → the column of `exchanges`."""


def pseudonym(fingerprint: int) -> str:
    """Render a fingerprint as the short stable pseudonym that reports and paths show.

    >>> pseudonym(-1)
    '~ffffffff'
    """
    return f"~{(fingerprint & 0xFFFF_FFFF_FFFF_FFFF) >> 32:08x}"


def markdown() -> str:
    """The catalogue as a Markdown page: one section a table."""
    parts = ["# Tables\n"]
    for table in TABLES.values():
        parts += [f"## {table.name}\n", f"One row: {table.row}. Key: {', '.join(table.key)}.\n"]
        parts += ["| column | type | says | null |", "| --- | --- | --- | --- |"]
        parts += [
            f"| `{c.name}` | {c.type} | {c.description} | {c.null or '—'} |" for c in table.columns
        ]
        parts.append("")
    return "\n".join(parts)
