"""Result tables: uses of tokens, and the expiry policy of each parameter."""

from typing import Final

from statetrail.schema import CLIENT, DIALECT, EXCHANGE, FINGERPRINT, ORIGIN, PARAM, Column, Table

# fmt: off

USES: Final = Table(
    "uses", "one request and one token that it presented: a trial of how long tokens live",
    (
        EXCHANGE, CLIENT, ORIGIN, DIALECT, PARAM, FINGERPRINT,
        Column("request_start_us", "timestamp", "Start of the request"),
        Column("outcome", "text", "`survived` (the server accepted it), `ended` (it answered with another or with 401) or `unknown`"),
        Column("exclusion", "text", "Why the use says nothing of a lifetime: one of `statetrail.analyses.lifetimes.outcomes.EXCLUDED`", "it counts"),
        Column("idle_low_s", "float", "Shortest time that the token can have lain unused", "no earlier use was seen, the clock was set back since, or excluded"),
        Column("idle_high_s", "float", "Longest time that the token can have lain unused", "no earlier use was surely accepted, the clock was set back since, or excluded"),
        Column("age_low_s", "float", "Shortest age that the token can have", "the clock was set back since its birth, or excluded"),
        Column("age_high_s", "float", "Longest age that the token can have", "its birth was not seen, the clock was set back since, or excluded"),
    ),
    ("exchange_id", "dialect", "param", "fingerprint"),
)

EXPIRY: Final = Table(
    "expiry", "one parameter that holds tokens at one origin",
    (
        ORIGIN, DIALECT, PARAM,
        Column("policy", "text", "When tokens end: one of `statetrail.expiry.POLICIES`"),
        Column("posterior", "float", "Probability of that rule or its family, of the likeliest one where none is named", "too few ends to weigh any"),
        Column("low_s", "float", "The limit that `policy` names is longer than this: the limit on the age where it limits nothing else, else the idle timeout", "nothing was outlived, or too many tokens contradict"),
        Column("high_s", "float", "That limit is at most this", "no end explains it, or too many tokens contradict"),
        Column("confidence", "text", "Grade of the evidence: `none`, `low`, `medium`, `high`"),
        Column("survived", "int", "Uses that the server accepted"),
        Column("ended", "int", "Tokens that a use found ended"),
        Column("censored", "int", "Tokens presented that no use found ended"),
        Column("excluded", "int", "Uses that say nothing of a lifetime; table `uses` says why"),
        Column("contradictions", "int", "Tokens that the best limit does not explain"),
        Column("lost", "int", "Tokens that ended before the limit that `policy` names"),
        Column("idle_low_s", "float", "The idle timeout is longer than this", "no gap was survived"),
        Column("idle_high_s", "float", "The idle timeout is at most this", "no end tells, or `policy` says that there is none"),
        Column("idle_sharp_low_s", "float", "The same if no token is wrong and the server is exact", "see idle_low_s"),
        Column("idle_sharp_high_s", "float", "Likewise", "see idle_high_s"),
        Column("age_low_s", "float", "The limit on the age is longer than this", "no age was survived"),
        Column("age_high_s", "float", "The limit on the age is at most this", "no end of a token whose birth was seen, or `policy` says that there is none"),
        Column("age_sharp_low_s", "float", "The same if no token is wrong", "see age_low_s"),
        Column("age_sharp_high_s", "float", "Likewise", "see age_high_s"),
        Column("anonymous_low_s", "float", "The idle timeout of sessions that have not logged in is longer than this", "the login explains no difference"),
        Column("anonymous_high_s", "float", "It is at most this", "see anonymous_low_s"),
        Column("login_low_s", "float", "The idle timeout of sessions that have logged in is longer than this", "the login explains no difference"),
        Column("login_high_s", "float", "It is at most this", "see login_low_s"),
        Column("touch_interval_s", "float", "A use seems to renew a token only if the last one that did is this long ago", "renewal seems exact"),
        Column("late_accepted", "int", "Uses of replaced tokens that the server still took"),
        Column("late_refused", "int", "Uses of replaced tokens that it did not take"),
        Column("restarts", "text", "Moments at which all tokens went, as UTC times, taken out of the evidence; empty for none"),
        Column("calendar_s", "float", "All tokens go at every full multiple of this, taken out of the evidence", "no such calendar is seen"),
        Column("declared_low_s", "float", "The shortest lifetime that a value states of itself (`declared_s` of table `issued`); no evidence of what the server does", "no value states one"),
        Column("declared_high_s", "float", "The longest one", "see declared_low_s"),
        Column("advice", "text", "What traffic would narrow the interval"),
        Column("plan", "text", "Pauses in seconds, each for a token of its own, that would narrow it; empty for none"),
    ),
    ("origin", "dialect", "param"),
)
