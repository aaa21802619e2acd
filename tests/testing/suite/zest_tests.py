"""Clients of the ZEST service: obedient ones pass, and each other one fails with its reason."""

import httpx
import pytest
import requests
from clients import ZestClient

import statetrail as st


@pytest.fixture
def http():
    with httpx.Client(trust_env=False) as client:
        yield client


def test_obedient_httpx(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http).shop()
    shop.assert_obeys()
    shop.assert_presents("_session_token")
    shop.assert_no_findings("medium", audience="client")
    shop.assert_no_findings("medium", ignore=["token-in-url"])
    table = st.verdicts(shop.rec).to_pandas()
    assert (table["verdict"] == "honoured").sum() == 3


def test_obedient_requests_over_tls(record_state, zest):
    shop = record_state(zest, tls=True)
    assert shop.url.startswith("https://")
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(shop.ca)
        ZestClient(shop.url, session).shop()
    shop.assert_obeys()


@pytest.mark.parametrize("way", ["keeps-stale", "restarts", "drops"])
def test_obeys(record_state, zest, http, way):
    shop = record_state(zest)
    ZestClient(shop.url, http, way).shop()
    shop.assert_obeys()


def test_presents(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http, "drops").shop()
    shop.assert_presents("_session_token")


def test_no_findings(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http, "restarts").shop()
    shop.assert_no_findings("medium")


def test_nothing_is_tested_within_the_grace_period(record_state, zest, http):
    shop = record_state(zest, grace_ms=60_000)
    ZestClient(shop.url, http, "keeps-stale").shop()
    shop.assert_obeys()


def test_nothing_is_tested_without_a_request(record_state, zest):
    record_state(zest).assert_obeys()


def test_no_such_parameter(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http).shop()
    shop.assert_presents("session_token")


def test_no_such_client(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http).shop()
    shop.assert_obeys("shop-app")


def test_no_such_rule(record_state, zest, http):
    shop = record_state(zest)
    ZestClient(shop.url, http).shop()
    shop.assert_no_findings(ignore=["token-in-urls"])
