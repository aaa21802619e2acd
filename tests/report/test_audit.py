"""The audit of a recording: its figures are those of the traffic, and it is the same every time."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import statetrail as st
from statetrail.errors import UsageError
from statetrail.recording.frames import Recording, open_recording
from statetrail.report.audit import Audit, audit
from statetrail.report.document import Document
from statetrail.rules import RULES, findings
from statetrail.schema import pseudonym
from support.audits import CREATED
from support.audits import document as sample
from support.histories import Ex, Issue, Present, facts, fingerprint, recording, token, use
from support.hostile import assert_inert
from support.shops import TOKENS, write_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small store."""
    return write_shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")


@pytest.fixture(scope="module")
def rec(shop: Path) -> Recording:
    """The small store, opened."""
    return open_recording(shop, client_by=("user-agent",))


@pytest.fixture(scope="module")
def made(rec: Recording) -> Audit:
    """Its audit."""
    return audit(rec, created=CREATED)


def test_the_capture_counts_what_was_recorded(made: Audit) -> None:
    """Exchanges, clients, origins, values and times are those of the store."""
    capture = made.document.capture
    assert (capture.exchanges, capture.clients, capture.origins) == (28, 2, 2)
    assert (capture.issued, capture.malformed, capture.in_scope) == (28, 0, 28)
    assert capture.started == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert capture.by_origin == {"https://prices.example": 14, "https://shop.example": 14}
    assert [(source.source, source.exchanges) for source in capture.sources] == [("live", 28)]


def test_the_stubborn_client_comes_first_and_the_obedient_one_has_no_fault(made: Audit) -> None:
    """Clients are ranked by compliance, with their verdicts by parameter."""
    worst, *_, best = made.document.clients
    assert worst.client == "stubborn/1"
    assert worst.verdicts["stale"] == worst.faults > 0
    assert (best.client, best.compliance, best.faults) == ("obedient/1", 1.0, 0)
    for client in made.document.clients:
        assert client.judged == client.verdicts.get("honoured", 0) + client.faults
        assert sum(map(sum, (c.values() for c in client.params.values()))) == sum(
            client.verdicts.values()
        )


def test_a_parameter_says_how_it_is_issued_and_who_obeys(made: Audit) -> None:
    """Usage, priority, values, changes and obedience of each parameter."""
    language, session = made.document.parameters
    assert (language.param, language.usages, language.clear_values) == (
        "LangId", {"header": 14}, {"2": 8, "1": 6},
    )  # fmt: skip
    assert (language.values, language.changes) == (2, 2)
    assert (language.clients_judged, language.clients_obeying) == (2, 1)
    assert (session.param, session.priorities, session.clear_values) == (
        "_session_token", {"forced": 14}, {},
    )  # fmt: skip


def test_tokens_are_summed_up_with_the_bits_that_bound_them(made: Audit) -> None:
    """Fifteen letters of both cases cannot hold more than 85.5 bits; clear values hold none."""
    language, session = made.document.tokens_summary
    assert (language.secret, language.bits_upper_bound) == (False, None)
    assert (session.secret, session.length_min, session.length_max) == (True, 15, 15)
    assert (session.alphabet, session.bits_upper_bound) == ("lower+upper", 85.5)


def test_rotations_name_values_by_pseudonyms_and_are_all_counted() -> None:
    """`from` and `to` are pseudonyms; the total counts those beyond the cap."""
    history = [
        Ex(0, 1, 2, [token("first-token")], [use("1")], path="/API/V3/Cart"),
        Ex(9000, 9001, 9002, [token("other-token")], [use("first-token")], path="/API/V3/Cart"),
    ]
    document = audit(recording(history), created=CREATED).document
    assert (document.rotations_total, document.first_values) == (1, 1)
    assert sum(one.changes for one in document.parameters) == document.rotations_total
    assert len(document.rotations) == 2
    first, second = document.rotations
    assert (first.from_, first.to) == (None, pseudonym(fingerprint("first-token")))
    assert (second.from_, second.to) == (first.to, pseudonym(fingerprint("other-token")))
    assert (second.cause, second.idle_s, second.exchange) == ("reset", 8.998, 2)
    assert [(gap.outcome, gap.count) for gap in document.gaps] == [("fatal", 1)]
    assert [span.uses for span in document.lifespans] == [1, 0]


def test_the_answers_are_sentences_about_this_traffic(made: Audit) -> None:
    """Lifetime, rotation and ignoring are answered from the recording."""
    lifetime, rotation, ignoring = made.document.answers
    assert "`_session_token` at `https://shop.example`" in lifetime.statements[0].text
    assert any("`LangId`" in statement.text for statement in rotation.statements)
    assert "1 client of 2 ignored state at least once" in ignoring.statements[0].text
    assert ignoring.statements[0].tone == "fair"


LANGUAGE = Issue("LangId", "1", "header", "informational")
SHOWN = [Present("LangId", "1")]
FROM_A_PAGE = {"request_origin": "https://page.example"}


def talk(client: str, *shown: bool, **extra: object) -> list[Ex]:
    """A client that is issued a language, and whether each later request presents it."""
    asked = [Ex(n, n + 10, n + 20, [], SHOWN if s else [], client) for n, s in enumerate(shown, 1)]
    later = [replace(ex, start=ex.start + 999, begun=ex.start + 1009, ended=None) for ex in asked]
    return [Ex(0, 10, 20, [LANGUAGE], client=client, extra=dict(extra)), *later]


def ignoring(*talks: list[Ex]) -> list[tuple[str, str, str, str]]:
    """The answer to who ignores state: each statement with its figure and tone."""
    history = [ex for each in talks for ex in each]
    (answer,) = audit(recording(history), created=CREATED).document.answers[2:]
    return [(s.number, s.denominator, s.tone, s.text) for s in answer.statements]


def test_a_client_that_could_not_read_the_state_is_not_judged() -> None:
    """A page whose browser kept the header from it, once or always."""
    page = talk("page/1", False, False, False, **FROM_A_PAGE)
    (nobody,) = ignoring(page, talk("good/1", True, True))
    assert nobody[:3] == ("0 clients", "of 1 judged, 2 verdicts", "good")
    both = [
        *talk("both/1", False, False, **FROM_A_PAGE),
        Ex(2000, 2010, 2020, [LANGUAGE], SHOWN, "both/1"),
        Ex(3000, 3010, 3020, client="both/1"),
    ]
    all_of_them, worst = ignoring(page, both, talk("worst/1", True, True, False))
    assert all_of_them[3] == (
        "2 clients of 2 ignored state at least once: 2 of 4 verdicts that count are faults."
    )
    assert worst[:2] == ("0 %", "honoured, of 1 verdict")
    assert worst[3] == "The least compliant is `both/1` at `http://shop.example`."


def backend(*shoppers: str) -> list[Ex]:
    """Shoppers in turns behind one client, named by a header, and a request of none of them."""
    begun = [
        Ex(n, n + 10, n + 20, [token(name)], [use("1")], "backend/1", extra={"client_header": name})
        for n, name in enumerate(shoppers)
    ]
    later = [
        replace(ex, start=ex.start + at, begun=ex.begun + at, ended=None, presented=[use(name)])
        for at in (1000, 2000)
        for ex, name in zip(begun, shoppers, strict=True)
    ]
    return [*begun, *later, Ex(1500, 1510, 1520, client="backend/1")]


def test_a_client_with_several_sessions_at_once_is_told_apart_on_the_first_screen() -> None:
    """How many, that each is judged, what is not judged, and the remedy; with it, nothing."""
    history = [*backend("A", "B", "C"), *talk("good/1", True)]
    *_, told = ignoring(history)
    assert told[:3] == ("3 at once", "of 3 sessions", "neutral")
    assert told[3] == (
        "`backend/1` at `http://shop.example` held several sessions at once. Such a client may be "
        "many users: it is judged session by session, and its requests without a session key are "
        "not judged (1 verdict). Record with `--client-header` and audit with `--client-by header` "
        "to tell its users apart."
    )
    by_header = Recording(facts(history), client_by=("header",))
    (*_, answer) = audit(by_header, created=CREATED).document.answers
    assert not any("at once" in one.number for one in answer.statements)
    assert "at once" not in ignoring(talk("good/1", True))[-1][0]


def test_a_client_says_which_of_its_requests_are_no_fault() -> None:
    """By the reason, in the document and on the page."""
    broken = Ex(500, 510, 520, [Issue("LangId", "2", problem="no-tail")], SHOWN, "page/1")
    history = [*talk("page/1", True), broken, Ex(9000, 9010, 9020, client="page/1")]
    made = audit(recording(history), created=CREATED)
    (client,) = made.document.clients
    assert (client.faults, client.reasons) == (0, {"malformed-issue": 1})
    assert "No fault: malformed-issue 1" in assert_inert(made.to_html()).text_content()


def test_no_secret_of_the_traffic_is_in_any_form_of_the_audit(made: Audit) -> None:
    """Tokens are in no report, forward or backward as the two clients have them."""
    forms = (made.to_html(), made.to_json(), made.to_markdown(), made.to_junit(), repr(made))
    forms += (made.to_sarif("shop.toml"),)
    for form in forms:
        for secret in TOKENS:
            assert secret not in form
            assert secret[::-1] not in form


def test_two_audits_of_a_store_differ_in_their_creation_time_alone(shop: Path, made: Audit) -> None:
    """The same store gives the same bytes."""
    again = audit(open_recording(shop, client_by=("user-agent",)), created=CREATED)
    assert again.to_json() == made.to_json()
    assert again.to_html() == made.to_html()
    later = audit(open_recording(shop, client_by=("user-agent",)))
    assert later.document.created > CREATED
    assert later.to_json().splitlines()[3:] == made.to_json().splitlines()[3:]


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_every_engine_gives_the_same_audit(shop: Path, made: Audit, engine: str) -> None:
    """DuckDB, pandas and Polars: the same JSON."""
    other = open_recording(shop, client_by=("user-agent",), engine=engine)  # type: ignore[arg-type]
    assert audit(other, created=CREATED).to_json() == made.to_json()


def test_an_audit_of_no_exchange_says_that_nothing_is_known() -> None:
    """An empty recording gives an audit, and a page."""
    nothing = audit(recording([]), created=CREATED)
    assert nothing.document.capture.started is None
    assert nothing.document.answers[0].statements[0].number == "unknown"
    assert ": none is judged" in assert_inert(nothing.to_html()).text_content()


def test_malformed_issues_are_counted_with_their_reason() -> None:
    """What does not parse is data quality, with the parameter it was about."""
    history = [
        Ex(0, 1, 2, [Issue("LangId", "1"), Issue("LangId", "9", problem="no-tail")]),
        Ex(500, 501, 502, [Issue("Odd", "x", problem="bad-tail")], [Present("LangId", "1")]),
    ]
    document = audit(recording(history), created=CREATED).document
    assert document.capture.malformed == 2
    assert {p.param: p.malformed for p in document.parameters} == {
        "LangId": {"no-tail": 1}, "Odd": {"bad-tail": 1},
    }  # fmt: skip


def test_tables_of_an_audit_are_data_frames(made: Audit) -> None:
    """Findings, clients, parameters, tokens, expiry and rotations for pandas."""
    assert list(made.clients["client"]) == [c.client for c in made.document.clients]
    assert {"from", "to", "cause"} <= set(made.rotations.columns)
    for frame in (made.parameters, made.tokens_summary, made.expiry):
        assert len(frame)
    assert made.findings.empty == (not made.document.findings)


def test_the_library_names_functions_whatever_was_imported_before(rec: Recording) -> None:
    """`st.findings` is the function also after an audit has imported the package of that name."""
    assert len(st.audit(rec).document.findings) == len(st.findings(rec).rows())
    assert st.findings is findings


def test_findings_are_counted_from_a_severity_on() -> None:
    """`failing` is what a job fails on; an unknown severity is refused by name."""
    one = Audit(sample())
    counts = [one.failing(severity) for severity in ("info", "low", "medium", "high")]
    assert counts == [3, 2, 2, 1]
    with pytest.raises(UsageError, match="unknown severity 'severe': choose from info, low"):
        one.failing("severe")  # type: ignore[arg-type]


def test_an_audit_is_written_as_it_is_rendered(tmp_path: Path) -> None:
    """Each form has its writer."""
    one = Audit(sample())
    for name in ("html", "json", "markdown", "junit"):
        getattr(one, f"write_{name}")(tmp_path / name)
        assert (tmp_path / name).read_text("utf-8") == getattr(one, f"to_{name}")()


def test_names_and_files_are_taken_as_the_command_line_takes_them(
    shop: Path, made: Audit, tmp_path: Path
) -> None:
    """A profile's name, paths as strings, one attribute of a client."""
    made.write_json(tmp_path / "before.json")
    rule = made.document.findings[0].rule
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(
        f'[[suppress]]\nrule = "{rule}"\nreason = "known"\nuntil = {CREATED:%Y-%m-%d}\n'
    )
    rec = st.open(str(shop), client_by="user-agent", dialects="zest,52eseller")
    again = st.audit(
        rec,
        created=CREATED,
        profile="owasp-high",
        suppressions=str(accepted),
        baseline=str(tmp_path / "before.json"),
    ).document
    assert again.settings.profile == "owasp-high"
    assert again.settings.client_by == ("user-agent",)
    assert again.suppressed
    assert again.baseline is not None
    assert again.baseline.unchanged
    with pytest.raises(UsageError, match="unknown profile 'owasp'"):
        st.audit(rec, profile="owasp")
    with pytest.raises(UsageError, match="there is no suppression file"):
        st.audit(rec, suppressions="nowhere.toml")


def test_an_engine_that_is_not_installed_is_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match="pip install polars"):
        open_recording(shop, engine="polars")


def test_each_step_is_reported_as_progress(shop: Path, made: Audit) -> None:
    """Each section and each rule; the audit is the same."""
    steps: list[str] = []
    rec = open_recording(shop, client_by=("user-agent",))
    again = audit(rec, created=CREATED, progress=steps.append)
    assert again.document == made.document
    rules = [step for step in steps if step.startswith("rule ")]
    assert rules == [f"rule {at} of {len(RULES)}, {one.id}" for at, one in enumerate(RULES, 1)]
    sections = {step for step in steps if step.startswith("section ")}
    assert sections == {f"section {kind.file()}" for kind in Document.sections}
