"""Deliberate faults in the judges, which the tests have to find: `python -m mutants.run`."""
