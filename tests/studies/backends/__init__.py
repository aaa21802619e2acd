"""Backends that serve many shoppers behind one address, held against the tool's answers.

Modules
    `servers`: what the two kinds of servers answer; a session is known by its key, never by its
    sender. `shoppers`: what a shopper remembers and presents, obedient or with one fault. `visits`:
    when shoppers come, and all exchanges of one world with what is true of them. `facts`: what a
    proxy leaves of it. `judging`: the tool's answers held against the truth. `run`: the table of
    ``make backends``.

What is true of a world
    A request deviates where it presents something else than an obedient shopper would who acts on
    each response once it has arrived. A deviation is *certain* where the shopper must have known
    better whatever the order of events within the grace period; only certain ones are expected to
    be found. Whatever does not deviate is innocent, and no row may blame it.
"""
