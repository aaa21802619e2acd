"""A small audit document by hand, and one in which every string was replaced.

Only what a report could show is in it: each section has at least one row, each optional field is
both there and missing somewhere.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from statetrail.report.document import Document, Generator, Settings
from statetrail.report.evidence import EvidenceExchange, StateValue
from statetrail.report.sections.answers import Answer, Statement
from statetrail.report.sections.appendix.breakdown import (
    EndpointCompliance,
    Period,
    VersionCompliance,
)
from statetrail.report.sections.appendix.environment import Environment, Limits, SpokenDialect
from statetrail.report.sections.appendix.timelines import SessionRequest, Timeline
from statetrail.report.sections.causes import Override, RootCause
from statetrail.report.sections.clients import Client
from statetrail.report.sections.credentials import Leak, Shared
from statetrail.report.sections.expiry import Expiry, Fall, Gap, Likelihood, Survival
from statetrail.report.sections.findings import Finding, RuleChecked
from statetrail.report.sections.parameters import Parameter, TokensSummary
from statetrail.report.sections.quality import Capture, Source
from statetrail.report.sections.rotations import Lifespan, Rotation
from statetrail.report.sections.sessions import Session, SessionSummary
from statetrail.report.sections.summary import Action, Overall

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CREATED = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
SHOP, PRICES = "https://shop.example", "https://prices.example:8443"
GOOD, BAD = "10.0.0.7 | obedient/1.2", "10.0.0.8 | stale-app/0.9"
TOKEN = ("zest", "_session_token")


def at(minutes: float) -> datetime:
    """A time of the sample."""
    return START + timedelta(minutes=minutes)


def document() -> Document:
    """The sample document."""
    return Document(
        schema_version=3,
        created=CREATED,
        generator=Generator(name="statetrail", version="0.0.0"),
        settings=Settings(
            stores=("recording.sqlite",),
            client_by=("peer", "user-agent"),
            grace_ms=250.0,
            dialects=("zest", "52eseller"),
        ),
        capture=Capture(
            started=at(0),
            ended=at(95),
            exchanges=1284,
            clients=2,
            origins=2,
            malformed=3,
            issued=640,
            presented=611,
            in_scope=1201,
            by_origin={SHOP: 900, PRICES: 384},
            errors={"server-disconnected": 2},
            notes={"body-not-xml": 4, "query-capped": 1},
            sources=(
                Source(
                    source="live",
                    name=None,
                    started=at(0),
                    exchanges=1200,
                    duplicates=0,
                    skipped=0,
                    problem=None,
                ),
                Source(
                    source="har",
                    name="browser.har",
                    started=at(99),
                    exchanges=84,
                    duplicates=2,
                    skipped=1,
                    problem="the file ends in the middle of an entry: 84 entries were read",
                ),
            ),
        ),
        overall=Overall(
            honoured=948,
            judged=1100,
            compliance=948 / 1100,
            clients=2,
            at_fault=1,
            worst_client=BAD,
            worst=0.62,
            lower_quartile=0.715,
            median=0.81,
            upper_quartile=0.905,
            best=1.0,
        ),
        actions=(
            Action(
                rule="stale-value",
                title="Old state is kept",
                severity="medium",
                audience="client",
                remedy="Take every `X-Set-LangId` from the newest response.",
                faults=122,
                requests=122,
                clients=1,
            ),
            Action(
                rule="token-in-url",
                title="A token travels in the URL",
                severity="high",
                audience="api",
                remedy="Carry the token in a header.",
                faults=0,
                requests=441,
                clients=0,
            ),
        ),
        answers=_answers(),
        clients=_clients(),
        parameters=_parameters(),
        tokens_summary=_tokens(),
        expiry=_expiry(),
        gaps=tuple(
            Gap(
                origin=SHOP,
                dialect=TOKEN[0],
                param=TOKEN[1],
                outcome=outcome,  # type: ignore[arg-type]
                low_s=low,
                high_s=low * 1.25,
                count=count,
            )
            for outcome, low, count in (
                ("survived", 1.0, 410),
                ("survived", 60.0, 22),
                ("survived", 1500.0, 3),
                ("fatal", 1860.0, 2),
                ("fatal", 3600.0, 4),
            )
        ),
        survival=(
            Survival(
                origin=SHOP,
                dialect=TOKEN[0],
                param=TOKEN[1],
                span="idle",
                clients=4,
                contradicting=0,
                falls=(
                    Fall(left_s=1500.0, right_s=1860.0, survival=0.4, band_low=0.0, band_high=0.9),
                    Fall(left_s=2400.0, right_s=3600.0, survival=0.1, band_low=0.0, band_high=0.7),
                ),
                censored_s=(900.0, 2400.0),
            ),
        ),
        likelihoods=tuple(
            Likelihood(
                origin=SHOP,
                dialect=TOKEN[0],
                param=TOKEN[1],
                model=model,
                policy=policy,
                below=below,
            )
            for model, policy, below in (
                ("idle", "idle", 0.0),
                ("by chance", "eviction", 4.2),
                ("each use", "per-request", 90.0),
            )
        ),
        rotations_total=4,
        rotations_by_cause={"reissue": 3, "reset": 1},
        first_values=1,
        rotations=_rotations(),
        lifespans_total=3,
        lifespans=_lifespans(),
        **_ignored_and_lost(),
        findings=_findings(),
        rules=(
            RuleChecked(
                rule="stale-value",
                title="Old state is kept",
                severity="medium",
                audience="client",
                found=1,
                count=152,
                of=400,
            ),
            RuleChecked(
                rule="token-in-url",
                title="A token travels in the URL",
                severity="high",
                audience="api",
                found=1,
            ),
            RuleChecked(
                rule="value-defied",
                title="A forced value is defied",
                severity="medium",
                audience="client",
                found=0,
                of=611,
            ),
            RuleChecked(
                rule="logout-survived",
                title="A session goes on after the logout",
                severity="high",
                audience="security",
                found=0,
                of=0,
            ),
            RuleChecked(
                rule="plain-http",
                title="State over plain HTTP",
                severity="high",
                audience="api",
                found=0,
                count=3,
                of=640,
            ),
        ),
        exchanges=_exchanges(),
        **_appendix(),
    )


def _appendix() -> dict[str, Any]:
    """Compliance by time, endpoint and version, one timeline, and the environment."""
    common: dict[str, Any] = {"method": "GET", "status": 200, "param": "_session_token"}
    return {
        "period_s": 1800,
        "periods": (
            Period(start=at(0), judged=700, faults=10),
            Period(start=at(30), judged=0, faults=0),
            Period(start=at(60), judged=400, faults=142),
        ),
        "endpoints": (
            EndpointCompliance(origin=SHOP, endpoint="/API/V3/Cart", judged=900, faults=152),
            EndpointCompliance(
                origin=PRICES, endpoint="/services/v3/prices/{id}", judged=200, faults=0
            ),
        ),
        "versions": (
            VersionCompliance(
                product="stale-app", version="0.9", judged=400, faults=152, first=at(1), last=at(90)
            ),
            VersionCompliance(
                product="", version="", judged=700, faults=0, first=at(1), last=at(90)
            ),
        ),
        "timelines": (
            Timeline(
                client=BAD,
                origin=SHOP,
                dialect="zest",
                session="~0b3de824",
                verdicts=3,
                faults=1,
                requests=(
                    SessionRequest(
                        exchange=11,
                        at=at(1),
                        endpoint="/API/V3/Cart",
                        verdict="honoured",
                        fault=False,
                        **common,
                    ),
                    SessionRequest(
                        exchange=12,
                        at=at(40),
                        endpoint="/API/V3/Cart",
                        verdict="stale",
                        fault=True,
                        **common,
                    ),
                    SessionRequest(
                        exchange=13,
                        at=at(41),
                        endpoint="/API/V3/Product/{id}",
                        verdict="in-flight",
                        fault=False,
                        **common | {"status": None},
                    ),
                ),
            ),
        ),
        "environment": Environment(
            python="3.13.0",
            packages={"mitmproxy": "12.2.0", "pandas": "3.0.0"},
            tables=5,
            limits=Limits(idle_max="1 h", age_max="24 h", bits_min="64", overlap="1 min"),
            spoken=(
                SpokenDialect(
                    name="zest",
                    title="ZEST Ecommerce API sessions",
                    exchanges=1100,
                    references=("ZEST Ecommerce API: Session handling",),
                ),
            ),
            silent=("52eseller",),
        ),
    }


def _answers() -> tuple[Answer, ...]:
    return (
        Answer(
            id="lifetime",
            question="How long do sessions live here?",
            statements=(
                Statement(
                    text=f"`_session_token` at `{SHOP}` ends after an idle time.",
                    number="28 min to 31 min",
                    denominator="6 ends, 435 survived uses",
                    confidence="medium",
                ),
            ),
        ),
        Answer(
            id="rotation",
            question="How do tokens rotate?",
            statements=(
                Statement(
                    text=f"`_session_token` at `{SHOP}` was replaced 2 times: reissue 1, reset 1.",
                    number="2 changes",
                    denominator="of 441 issues, 2 clients",
                    confidence="low",
                ),
            ),
        ),
        Answer(
            id="ignoring",
            question="Who ignores state?",
            statements=(
                Statement(
                    text="1 client of 2 ignored state at least once.",
                    number="1 client",
                    denominator="of 2 judged, 1,100 verdicts",
                    confidence="high",
                    tone="fair",
                ),
            ),
        ),
    )


def _clients() -> tuple[Client, ...]:
    common = {"origin": SHOP, "dialect": "zest", "first": at(1), "last": at(90)}
    return (
        Client(
            sessions=1,
            sessions_at_once=1,
            client=BAD,
            requests=420,
            compliance=0.62,
            judged=400,
            faults=152,
            verdicts={"honoured": 248, "in-flight": 20, "omitted": 30, "stale": 122},
            params={
                "_session_token": {"honoured": 248, "in-flight": 20},
                "LangId": {"omitted": 30, "stale": 122},
            },
            **common,
        ),
        Client(
            sessions=40,
            sessions_at_once=3,
            client=GOOD,
            requests=700,
            compliance=1.0,
            judged=700,
            faults=0,
            verdicts={"honoured": 700},
            params={"_session_token": {"honoured": 700}},
            **common,
        ),
        Client(
            sessions=1,
            sessions_at_once=1,
            client="10.0.0.9 | quiet/3",
            requests=2,
            compliance=None,
            judged=0,
            faults=0,
            verdicts={"foreign": 2},
            params={"_session_token": {"foreign": 2}},
            **common,
        ),
    )


def _parameters() -> tuple[Parameter, ...]:
    return (
        Parameter(
            origin=PRICES,
            dialect="52eseller",
            param="LangId",
            issues=199,
            presented=170,
            values=3,
            changes=2,
            changes_by_cause={"reissue": 2},
            usages={"header": 199},
            priorities={"informational": 199},
            malformed={"no-tail": 3},
            clear_values={"1": 120, "2": 79},
            clients_issued=2,
            clients_judged=2,
            clients_obeying=1,
        ),
        Parameter(
            origin=SHOP,
            dialect="zest",
            param="_session_token",
            issues=441,
            presented=441,
            values=3,
            changes=2,
            changes_by_cause={"reissue": 1, "reset": 1},
            usages={"uriquery": 441},
            priorities={"forced": 441},
            malformed={},
            clear_values={},
            clients_issued=2,
            clients_judged=0,
            clients_obeying=0,
        ),
    )


def _tokens() -> tuple[TokensSummary, ...]:
    return (
        TokensSummary(
            origin=PRICES,
            dialect="52eseller",
            param="LangId",
            values=3,
            births_seen=3,
            secret=False,
            median_uses=12.5,
            length_min=1,
            length_max=2,
            alphabet="digit",
            bits_upper_bound=None,
        ),
        TokensSummary(
            origin=SHOP,
            dialect="zest",
            param="_session_token",
            values=3,
            births_seen=2,
            secret=True,
            median_uses=147.0,
            length_min=15,
            length_max=15,
            alphabet="lower+upper",
            bits_upper_bound=85.5,
        ),
    )


def _expiry() -> tuple[Expiry, ...]:
    return (
        Expiry(
            origin=PRICES,
            dialect="52eseller",
            param="LangId",
            policy="none-seen",
            low_s=3000.0,
            high_s=None,
            confidence="none",
            survived=170,
            ended=0,
            censored=3,
            excluded=0,
            contradictions=0,
            idle_low_s=3000.0,
            idle_high_s=None,
            age_low_s=4200.0,
            age_high_s=None,
            advice="Come back after a longer pause.",
        ),
        Expiry(
            origin=SHOP,
            dialect="zest",
            param="_session_token",
            policy="idle",
            low_s=1680.0,
            high_s=1860.0,
            confidence="medium",
            survived=435,
            ended=6,
            censored=2,
            excluded=12,
            contradictions=1,
            idle_low_s=1680.0,
            idle_high_s=1860.0,
            idle_sharp_low_s=1740.0,
            idle_sharp_high_s=1810.0,
            age_low_s=3000.0,
            age_high_s=None,
            advice="Leave a client idle for 29 min and use it again.",
            declared_low_s=1200.0,
            declared_high_s=2400.0,
            declared="The tokens themselves state a lifetime of 20 min to 40 min.",
        ),
    )


def _rotations() -> tuple[Rotation, ...]:
    common: dict[str, Any] = {
        "client": BAD,
        "origin": SHOP,
        "dialect": TOKEN[0],
        "param": TOKEN[1],
    }
    return (
        Rotation(
            at=at(1),
            from_=None,
            to="~1a2b3c4d",
            cause="establish",
            idle_s=None,
            idle_high_s=None,
            age_s=None,
            age_high_s=None,
            exchange=1,
            **common,
        ),
        Rotation(
            at=at(40),
            from_="~1a2b3c4d",
            to="~9f00aa17",
            cause="reset",
            idle_s=1861.5,
            idle_high_s=1862.0,
            age_s=2340.0,
            age_high_s=2341.0,
            exchange=77,
            **common,
        ),
        Rotation(
            at=at(60),
            from_="~9f00aa17",
            to="~0c0ffee0",
            cause="reissue",
            idle_s=0.25,
            idle_high_s=None,
            age_s=1200.0,
            age_high_s=1200.5,
            exchange=120,
            **common,
        ),
    )


def _ignored_and_lost() -> dict[str, Any]:
    """Root causes, overrides, lost sessions and credentials in other hands: one of each."""
    series: dict[str, Any] = {"client": BAD, "origin": PRICES, "dialect": "52eseller"}
    session: dict[str, Any] = {"origin": SHOP, "dialect": TOKEN[0], "param": TOKEN[1]}
    return {
        "sessions": (
            SessionSummary(
                sessions=9, requests=440, median_duration_s=612.5, ended={"open": 6, "reset": 3},
                lost=3, cart_writes=7, carts_lost=1, cart_writes_lost=2, logins=2, logins_lost=1,
                **session,
            ),
        ),
        "sessions_lost_total": 1,
        "sessions_lost": (
            Session(
                client=BAD, session="~1a2b3c4d", first=at(1), last=at(9), duration_s=480.0,
                tokens=1, requests=14, end="reset", ended_at=at(40), cart_writes=3,
                cart_writes_lost=2, login_lost=True, **session,
            ),
        ),
        "root_causes_total": 2,
        "faults_by_cause": {"until-first-rotation": 122, "not-implemented": 30},
        "root_causes": tuple(
            RootCause(
                param="LangId", verdict=verdict, cause=cause, confidence="high",
                count=number, first=at(5), last=at(90), evidence=(120,),
                endpoints=("/services/v3/baskets", "/services/v3/products"), **series,
            )
            for verdict, cause, number in (
                ("stale", "until-first-rotation", 122),
                ("omitted", "not-implemented", 30),
            )
        ),
        "overrides_total": 1,
        "overrides": (
            Override(
                param="LocId", overrides=6, answered=3, fought=2, unanswered=1, on_baskets=2,
                without_effect=1, first=at(5), last=at(60), **series,
            ),
        ),
        "shared_total": 1,
        "shared": tuple(
            Shared(
                value="~9f00aa17", client=client, clients=2, how=how, uses=4, first=at(41),
                last=at(59), **session,
            )
            for client, how in ((GOOD, "handed"), (BAD, "taken"))
        ),
        "leaks_total": 1,
        "leaks": (
            Leak(
                client=BAD, param=TOKEN[1], dialect=TOKEN[0], value="~9f00aa17",
                issued_origin=SHOP, origin="https://ads.example", place="referer", count=3,
                first=at(42), last=at(58), exchange=80,
            ),
        ),
    }  # fmt: skip


def _lifespans() -> tuple[Lifespan, ...]:
    return tuple(
        Lifespan(
            client=BAD,
            origin=SHOP,
            dialect=TOKEN[0],
            param=TOKEN[1],
            value=value,
            first=at(first),
            last=at(last),
            issues=4,
            uses=9,
        )
        for value, first, last in (
            ("~1a2b3c4d", 1, 9),
            ("~9f00aa17", 40, 60),
            ("~0c0ffee0", 60, 90),
        )
    )


def _findings() -> tuple[Finding, ...]:
    return (
        Finding(
            id="token-in-url-00000001",
            rule="token-in-url",
            title="A token travels in the URL",
            severity="high",
            confidence="high",
            audience="api",
            client=None,
            origin=SHOP,
            param="_session_token",
            count=441,
            of=441,
            first=at(1),
            last=at(90),
            message="`_session_token` was presented in the query 441 times; URLs are logged.",
            remedy="Carry the token in a header.",
            references=("OWASP ASVS v5.0.0-14.2.1", "CWE-598"),
            evidence=(77,),
        ),
        Finding(
            id="stale-value-00000002",
            rule="stale-value",
            also=("value-mangled",),
            title="Old state is kept",
            severity="medium",
            confidence="high",
            audience="client",
            client=BAD,
            origin=PRICES,
            param="LangId",
            count=122,
            of=170,
            faults=122,
            first=at(5),
            last=None,
            sessions=("~1a2b3c4d", "~9f00aa17"),
            message="`LangId` 1 was presented 122 times after 2 had been issued.",
            remedy="Take every `X-Set-LangId` from the newest response.",
            references=("52eSELLER: V3 API state headers (01/03/2021)",),
            evidence=(120, 77, 4711),
            around=(77, 120),
        ),
        Finding(
            id="few-exchanges-00000003",
            rule="few-exchanges",
            title="Little evidence",
            severity="info",
            confidence="low",
            audience="capture",
            client=None,
            origin=None,
            param=None,
            count=1,
            of=1,
            first=None,
            last=None,
            message="The recording is short.",
            remedy="Record for longer.",
            references=(),
            evidence=(),
        ),
    )


def _exchanges() -> tuple[EvidenceExchange, ...]:
    return (
        EvidenceExchange(
            exchange=77,
            at=at(40),
            answered=at(40.001),
            ended=at(40.002),
            client=BAD,
            origin=SHOP,
            method="GET",
            path="/API/V3/Cart/~77aa88bb",
            status=200,
            error=None,
            issued=(
                StateValue(
                    param="_session_token",
                    value="~9f00aa17",
                    channel="body",
                    note="uriquery/forced",
                ),
            ),
            presented=(
                StateValue(
                    param="_session_token", value="~1a2b3c4d", channel="uriquery", note=None
                ),
                StateValue(param="LangId", value="1", channel="header", note=None),
            ),
        ),
        EvidenceExchange(
            exchange=120,
            at=at(60),
            client=BAD,
            origin=PRICES,
            method="POST",
            path="/services/v3/baskets",
            status=None,
            error="server-disconnected",
            issued=(),
            presented=(StateValue(param="LangId", value="1", channel="header", note=None),),
        ),
    )


def without_charts(original: Document) -> Document:
    """The document without what its charts are drawn from, for tests that look at the text."""
    return msgspec.structs.replace(
        original,
        gaps=(),
        survival=(),
        likelihoods=(),
        lifespans=(),
        rotations=original.rotations[:1],
    )


def planted(original: Document, plant: Callable[[str], str]) -> Document:
    """The document with `plant` applied to every string in it, keys of counts included.

    Words of closed lists (severity, tone) are replaced too: a report must not trust even those.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return plant(value)
        if isinstance(value, tuple):
            return tuple(walk(item) for item in value)
        if isinstance(value, dict):
            return {walk(key): walk(item) for key, item in value.items()}
        if isinstance(value, msgspec.Struct):
            fields = {name: walk(getattr(value, name)) for name in value.__struct_fields__}
            return type(value)(**fields)
        return value

    result: Document = walk(original)
    return result
