"""Deliberate faults in the judges, which the tests have to find: `make mutants`."""
