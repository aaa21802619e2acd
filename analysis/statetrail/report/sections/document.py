"""The whole document, put together from its sections.

Enters: a `Recording`. Leaves: a `Document`; the same recording and creation time give the same one.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.metadata import version

import msgspec

from statetrail.recording.frames import Recording
from statetrail.report.document import (
    SCHEMA_VERSION,
    Document,
    Generator,
    Settings,
    Suppression,
)
from statetrail.report.sections.answers import gather_answers
from statetrail.report.sections.around import MAX_LANES, gather_around
from statetrail.report.sections.capture import gather_capture
from statetrail.report.sections.causes import gather_overrides, gather_root_causes
from statetrail.report.sections.clients import gather_clients
from statetrail.report.sections.credentials import gather_leaks, gather_shared
from statetrail.report.sections.findings import (
    first_of_each,
    gather_evidence,
    gather_findings,
    gather_rules,
    with_around,
)
from statetrail.report.sections.gaps import gather_gaps
from statetrail.report.sections.limits import gather_expiry, gather_likelihoods, gather_survival
from statetrail.report.sections.parameters import gather_parameters
from statetrail.report.sections.rotations import gather_lifespans, gather_rotations
from statetrail.report.sections.sessions import gather_lost_sessions, gather_session_summaries
from statetrail.report.sections.tokens import gather_tokens
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.suppression import Entry, split

PER_RULE = 5
"""Findings of one rule whose surroundings are kept, where there are many."""


def gather(
    rec: Recording,
    created: datetime,
    *,
    profile: Profile = DEFAULT,
    suppressions: Sequence[Entry] = (),
    progress: Callable[[str], object] = lambda step: None,
) -> Document:
    """Compute every section once; `progress` is told which."""
    progress("verdicts and root causes")
    clients = gather_clients(rec)
    progress("parameters and tokens")
    parameters = gather_parameters(rec)
    tokens = gather_tokens(rec)
    progress("expiry and rotations")
    ends = gather_expiry(rec)
    rotations, rotations_total, causes = gather_rotations(rec)
    lifespans, lifespans_total = gather_lifespans(rec)
    found, left_out, matched = split(
        gather_findings(rec, profile, progress), suppressions, created.date()
    )
    around = gather_around(rec, first_of_each(found, PER_RULE, MAX_LANES)[:MAX_LANES])
    findings = tuple(with_around(found, around))
    progress("sessions and evidence")
    lost, lost_total = gather_lost_sessions(rec)
    causes_known, causes_total, faults = gather_root_causes(rec)
    overrides, overrides_total = gather_overrides(rec)
    shared, shared_total = gather_shared(rec)
    leaks, leaks_total = gather_leaks(rec)
    return Document(
        schema_version=SCHEMA_VERSION,
        created=created,
        generator=Generator(name="statetrail", version=version("statetrail")),
        settings=Settings(
            stores=tuple(path.name for path in rec.paths),
            client_by=rec.client_by,
            grace_ms=rec.grace_us / 1000,
            dialects=tuple(dialect.name for dialect in rec.dialects),
            profile=profile.name,
        ),
        capture=gather_capture(rec),
        answers=gather_answers(ends, parameters, tokens, clients),
        clients=clients,
        parameters=parameters,
        tokens_summary=tokens,
        expiry=ends,
        gaps=gather_gaps(rec),
        survival=gather_survival(rec),
        likelihoods=gather_likelihoods(rec),
        rotations_total=rotations_total,
        rotations_by_cause=causes,
        rotations=rotations,
        lifespans_total=lifespans_total,
        lifespans=lifespans,
        sessions=gather_session_summaries(rec),
        sessions_lost_total=lost_total,
        sessions_lost=lost,
        root_causes_total=causes_total,
        faults_by_cause=faults,
        root_causes=causes_known,
        overrides_total=overrides_total,
        overrides=overrides,
        shared_total=shared_total,
        shared=shared,
        leaks_total=leaks_total,
        leaks=leaks,
        findings=findings,
        suppressed=len(left_out),
        suppressions=tuple(
            Suppression(
                **msgspec.structs.asdict(entry),
                in_force=entry.until >= created.date(),
                matched=matched.get(at, 0),
            )
            for at, entry in enumerate(suppressions)
        ),
        rules=gather_rules(findings),
        exchanges=gather_evidence(rec, findings),
    )
