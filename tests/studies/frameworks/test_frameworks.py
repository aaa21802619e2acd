"""Frameworks in small: a real Flask-WTF shop, an httpx client, a real mitmdump."""

import asyncio
from collections import Counter

import pytest

import statetrail
from studies.frameworks.clients.catalogue import CLIENTS
from studies.frameworks.judging import CLIENT_BY, client_of
from studies.frameworks.servers.catalogue import BY_NAME
from studies.frameworks.traffic import drive

OBEDIENT = "flask-shopper"


@pytest.mark.e2e
def test_a_shopper_of_a_real_framework_is_recorded_and_not_blamed(tmp_path):
    """All requests are there under the client's name, with all built-in dialects on."""
    clients = [client for client in CLIENTS if client.name == OBEDIENT]
    drove = drive([BY_NAME["flask-wtf"]], clients, tmp_path, arrivals_s=0)
    traffic, failures = asyncio.run(drove)
    assert failures == {}
    recording = statetrail.open(traffic.store, client_by=CLIENT_BY)
    exchanges = recording.exchanges.rows()
    assert {row["client_header"] for row in exchanges} == {OBEDIENT}
    assert len(exchanges) == 20
    rows = statetrail.verdicts(recording).rows()
    assert {client_of(row["client"]) for row in rows} <= {OBEDIENT}
    assert [row for row in rows if row["fault"]] == []
    assert traffic.flows.stat().st_size > 0


def test_at_least_three_faults_are_planted_in_each_dialect():
    """And no two clients share a name, which is their identity."""
    planted = Counter[str]()
    for client in CLIENTS:
        for fault in client.faults:
            planted[fault.dialect] += fault.count
    assert {dialect: count for dialect, count in planted.items() if count < 3} == {}
    assert len({client.name for client in CLIENTS}) == len(CLIENTS)
