"""Real servers, one file each; each is a process that listens on a port of the loopback address.

Each takes its port and the file of its `ledger` and prints nothing. `catalogue` says how each is
started, under which hosts it is reached, and which lifetimes it is configured with.
"""
