"""The recorder's matrix in small: 300 cells of each kind of secret."""

import random

import pytest

from studies.attack.exchange_places import DISCLOSED
from studies.attack.parts.recorder import KINDS, attack, cells, extractor, secrets


@pytest.mark.parametrize("disclosed", DISCLOSED)
def test_no_secret_is_in_the_store(disclosed, tmp_path):
    """Disclosed in this exchange or in another one, written anywhere in any way."""
    draw, config = random.Random(disclosed), extractor(tmp_path)
    some = draw.sample(cells(), 50)
    tried = list(secrets(draw, disclosed))
    assert len(tried) == 2 * len(KINDS)
    left = [(secret, attack(secret, some, config, tmp_path)) for secret in tried]
    assert [(secret, found) for secret, found in left if found] == []
