"""Real servers of common frameworks, real clients, a real mitmdump: the tool held against them.

Modules
    `servers`: the servers, and which lifetimes they are configured with. `clients`: what each
    client does, and the faults planted in it. `route`: the hosts of the study on this machine.
    `traffic`: servers, mitmdump and clients, started and stopped. `judging`: the tool's answers
    held against the labels, the lifetimes and the servers' own session tables. `run`: the tables of
    ``make frameworks``.
"""
