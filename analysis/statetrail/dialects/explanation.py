"""A dialect in plain words: where values are, who owes them, what ends them.

Enters: a dialect. Leaves: sentences for `statetrail dialect explain` and for its page of the
documentation.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, cast

from statetrail.dialects.declarations import Param, Refusal, Text
from statetrail.dialects.model import Dialect, condition_of
from statetrail.dialects.place import PARAM, Conditional, IssueKeys

type Rows = tuple[tuple[str, tuple[str, ...]], ...]
"""What is said, by what it is about."""


class ParamExplanation(NamedTuple):
    """What is said of a parameter; of every one of a family without a list, under ``{param}``."""

    name: str
    rows: Rows


class Explanation(NamedTuple):
    """What is said of a dialect, and of each of its parameters."""

    rows: Rows
    params: tuple[ParamExplanation, ...]


def explain(dialect: Dialect) -> Explanation:
    """The dialect in plain words."""
    declared = dialect.params or (Param(name="every"),)
    family = not dialect.params
    return Explanation(
        _rows(
            ("in scope", _scope(dialect)),
            ("realm", (_REALMS[dialect.scope.realm],)),
            ("judged", (_judged(dialect),)),
            ("session", (_session(dialect),)),
            ("references", dialect.references),
        ),
        tuple(
            ParamExplanation(
                PARAM if family else param.name,
                _param(dialect, param, PARAM if family else param.name),
            )
            for param in declared
        ),
    )


_REALMS: Final = {
    "origin": "a value is good for the origin that issued it",
    "site": "a value is good for the site of the origin that issued it",
    "dialect": "a value is good for every origin that speaks the dialect",
}
_SAME: Final = {
    "django-mask": "64 characters of mask and cipher",
    "xor-halves": "in base64, a pad and the token XOR the pad",
    "tornado-xsrf": "a mask, the token XOR the mask, and a time",
    "before-dot": "what is signed stands before the first dot",
    "jwt-claims": "a JSON Web Token with the same claims, whatever its times and id",
}


def _rows(*rows: tuple[str, Iterable[str]]) -> Rows:
    said = ((about, tuple(says)) for about, says in rows)
    return tuple((about, says) for about, says in said if says)


def _listed(names: Sequence[str], last: str = "or") -> str:
    quoted = [f"`{name}`" for name in names]
    return f" {last} ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]])) if quoted else ""


def _scope(dialect: Dialect) -> Iterator[str]:
    scope = dialect.scope
    hosts = f" at {_listed(scope.hosts)}" if scope.hosts else ""
    if scope.paths:
        yield f"requests for {_listed(scope.paths)}{hosts}"
    elif not dialect.by_declaration:
        yield f"every request{hosts}"
    else:
        telling = [p for _, p in _issue_places(dialect) if dialect.tells_anywhere or p.tells]
        phrases = dict.fromkeys(_phrase(place, PARAM) for place in telling)
        begins = "a value was issued" if dialect.tells_anywhere else "a value was issued in "
        names = "" if dialect.tells_anywhere else " or ".join(phrases)
        yield f"every request{hosts} to an origin, once {begins}{names} there"
    if scope.cart:
        yield f"a cart is at {_listed(scope.cart)}"
    if scope.own_state:
        changed = _listed(scope.state_methods) or "no request"
        yield f"{_listed(scope.own_state)} has a state of its own; what changes it: {changed}"


def _judged(dialect: Dialect) -> str:
    if dialect.by_declaration:
        return "each value by what is declared of its life"
    return "by sessions: the newest value issued in a session is to be presented"


def _session(dialect: Dialect) -> str:
    if dialect.session_keys:
        others = "; the first one presented decides" if len(dialect.session_keys) > 1 else ""
        return f"named by the value of {_listed(dialect.session_keys)}{others}"
    if patterns := dialect.family.session_patterns:
        first = ", the first one before the others" if len(patterns) > 1 else ""
        return f"named by the values whose names match {_listed(patterns)}{first}"
    return "no parameter names one"


def _param(dialect: Dialect, param: Param, name: str) -> Rows:
    return _rows(
        ("issued", [_phrase(p, name) for p in dialect.issued_at(param.name)]),
        ("presented", [_phrase(p, name) for p in dialect.presented_at(param.name)]),
        ("value", _value(dialect, param)),
        ("owed by", _owed(dialect, param)),
        ("ended by", _ends(dialect, param)),
        ("a fault", _faults(dialect, param)),
    )


def _issue_places(dialect: Dialect) -> Iterator[tuple[str, IssueKeys]]:
    for place in dialect.family.issue:
        yield PARAM, cast("IssueKeys", place)
    for param in dialect.params:
        for place in param.issue:
            yield param.name, cast("IssueKeys", place)


def _phrase(place: object, name: str) -> str:
    keys = cast("Conditional", place)
    said = keys.phrase_for(name)
    if isinstance(keys, IssueKeys):
        if keys.from_ is not None:
            said = f"what `{keys.from_}` finds in {said}"
        if keys.decode:
            said += f" ({', then '.join(keys.decode)} is decoded)"
    condition = condition_of(place)
    if condition.on:
        answer = "the answer to " if isinstance(keys, IssueKeys) else ""
        said += f", of {answer}{_listed(condition.on)}"
    if condition.status:
        said += f", with status {_listed([str(each) for each in condition.status])}"
    return said


def _value(dialect: Dialect, param: Param) -> Iterator[str]:
    if dialect.params:
        yield "made by the server alone" if param.minted else "a client may choose one of its own"
        clear = param.clear and f"stored in clear where it matches `{param.clear}`, else as a hash"
        yield clear or "stored as a hash"
    else:
        yield "stored as a hash"
    if param.same is not None:
        yield f"written anew each time: two of one canonical form are one ({_SAME[param.same]})"
    if param.establish is not None:
        yield f"`{param.establish}` is no value: it asks for a new one"
    if (void := dialect.void(param.name)) is not None:
        yield f"`{void}`, as an issue, is no value: it ends the one before"


def _owed(dialect: Dialect, param: Param) -> Iterator[str]:
    required = dialect.required(param.name)
    if required == "never":
        yield "no request"
        return
    requests = f"{_listed(param.methods)} requests" if param.methods else "requests"
    browser = dialect.family.store == "browser"
    yield {
        "always": f"{requests} in scope",
        "after-use": f"{requests} to an {'origin' if browser else 'endpoint'} at which the client "
        "presented one before",
        "learned": f"{requests} to an endpoint that refused a request without one",
    }[required]
    if browser:
        yield "only where a browser sends the cookie (RFC 6265bis), from the same cookie store"
    if param.instead:
        yield f"not by a request that presents {_listed(param.instead)}"
    if param.stateless:
        yield "not by a read between requests that present one"
    if param.only_on:
        yield f"only at {_listed(param.only_on)}"
    if param.not_on:
        yield f"not at {_listed(param.not_on)}"


def _ends(dialect: Dialect, param: Param) -> Iterator[str]:
    supersedes = dialect.supersedes(param.name)
    if param.follows is not None:
        yield f"no newer value: the request's own {_cookie(param.follows)} says which one is due"
    elif supersedes == "client" and dialect.by_declaration:
        yield "a newer value that was issued to the same client"
    elif supersedes == "client":
        yield "a newer value in the same session"
    elif supersedes == "lineage":
        yield "a newer value in the answer to a request that presented it"
    else:
        yield "no newer value: an older one is as good"
    if param.uses is not None:
        yield f"being taken {param.uses} time{'s' if param.uses > 1 else ''}"
    lifetimes = [
        cast("IssueKeys", place).lifetime
        for place in dialect.issued_at(param.name)
        if cast("IssueKeys", place).lifetime is not None
    ]
    own = dialect.lifetime(param.name)
    if lifetimes or own is not None:
        yield f"the end of its lifetime: {' or '.join(map(_lifetime, [*lifetimes, own]))}".replace(
            " or nothing", ""
        )
    if dialect.void(param.name) is not None:
        yield "a deletion"
    for place in param.ends:
        yield f"a success of a request with it in {_phrase(place, param.name)}"
    yield from (_refusal(each) for each in param.refused)
    yield from (
        f"the deletion of {_cookie(each)}"
        if each.startswith("cookie:")
        else f"the end of {_cookie(each)} (not judged)"
        for each in param.tied_to
    )
    if param.grace_s:
        yield f"all of this {param.grace_s} s later: servers go on to take it"


def _cookie(name: str) -> str:
    kind, colon, of = name.partition(":")
    return f"{kind} `{of}`" if colon else f"`{name}`"


def _lifetime(declared: int | str | None) -> str:
    if declared is None:
        return "nothing"
    if isinstance(declared, int):
        return f"{declared} s after its issue"
    words = {"cookie": "its `Max-Age` or `Expires`", "jwt": "from `iat` to `exp` of the token"}
    return words.get(declared, f"the seconds at `{declared}`")


def _refusal(refusal: Refusal) -> str:
    said = f"a response {_listed([str(each) for each in refusal.status])} to a request with it"
    if refusal.header is not None:
        said += f", with {_text('the field', refusal.header)}"
    if refusal.json is not None:
        said += f", with {_text('the member', refusal.json)}"
    if refusal.body is not None:
        said += f", with `{refusal.body}` in its body"
    if refusal.unless_header is not None:
        said += f", but not with {_text('the field', refusal.unless_header)}"
    return said


def _text(kind: str, text: Text) -> str:
    said = f"{kind} `{text.name or text.pointer}`"
    return f"{said} that matches `{text.has}`" if text.has else said


def _faults(dialect: Dialect, param: Param) -> Iterator[str]:
    ends = list(_ends(dialect, param))
    if any(not each.startswith("no newer") and "not judged" not in each for each in ends):
        yield "`stale`: to present a value after its end must be known"
    if dialect.required(param.name) != "never":
        yield "`omitted`: to present none where one is owed"
    if param.restart == "fault":
        yield "`restarted`: to ask for a new value while one is alive"
    if dialect.family.store == "browser":
        yield "`misplaced`: to send a cookie outside its Domain, Path or Secure"
    elif not dialect.by_declaration:
        yield "`misplaced`: to present it in another place than the one that its issue names"
        if not param.minted:
            yield "`defied`: to present a value of one's own where the server forced one"
