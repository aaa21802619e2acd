"""A response of a cache is known by its age, or by what the cache says of it."""

import pytest

from statetrail.dialects.caches import age_of
from support.traffic import facts_of

HITS = [
    ("Age", "7"),
    ("Cache-Status", "ExampleCDN; fwd=uri-miss, nginx; hit; ttl=30"),
    ("X-Cache", "Hit from cloudfront"),
    ("X-Cache", "RefreshHit from cloudfront"),
    ("X-Cache", "MISS, HIT"),
    ("x-cache", "TCP_MEM_HIT from a23-1.example (AkamaiGHost)"),
    ("CF-Cache-Status", "REVALIDATED"),
    ("X-Cache-Status", "STALE"),
]
MISSES = [
    ("Age", "0"),
    ("Cache-Status", "nginx; fwd=miss; stored"),
    ("Cache-Status", "hit; hit=?0"),
    ("X-Cache", "Miss from cloudfront"),
    ("X-Cache", "hit-for-pass"),
    ("X-Cache", "TCP_REFRESH_MISS"),
    ("CF-Cache-Status", "DYNAMIC"),
    ("X-Cached-By", "HIT"),
]


@pytest.mark.parametrize(("name", "value"), HITS)
def test_a_cache_answered(name: str, value: str) -> None:
    """What it issues may have been another client's: it binds nobody."""
    age_s = facts_of(answered={name: value}).exchange.age_s
    assert age_s is not None
    assert age_s > 0


@pytest.mark.parametrize(("name", "value"), MISSES)
def test_the_server_answered(name: str, value: str) -> None:
    """A cache that passes an answer on says so in similar words."""
    assert not facts_of(answered={name: value}).exchange.age_s


def test_a_hit_in_the_first_second() -> None:
    """Its age is rounded down to 0."""
    assert age_of({b"age": [b"0"], b"x-cache": [b"HIT"]}) == "1"
    assert age_of({b"age": [b"30"], b"x-cache": [b"HIT"]}) == "30"
