"""Attacks on what statetrail promises: that nothing leaks, nothing breaks: `make attack`.

One module a part; each has a function `run`, which prints a table and returns an `Outcome`.
"""
