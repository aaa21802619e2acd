"""The table of faults stands on the code that there is."""

import pytest

from studies.mutants.run import source
from studies.mutants.table import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.judge}: {m.fault}")
def test_the_text_of_a_fault_is_in_its_module_once(mutant: Mutant) -> None:
    """`make mutants` can plant each fault."""
    assert source(mutant.module).count(mutant.text) == 1
    assert mutant.text != mutant.fault_text
