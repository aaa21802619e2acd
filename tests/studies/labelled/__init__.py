"""Clients whose every verdict and cause is known beforehand, held against the tool's answers.

`studies.simulation.clients` simulates them, `labels` says which verdict each action deserves, and
`confusion` compares the tool's answers with the labels. Nothing but `confusion` knows the tool; no
label comes from it.

How time is kept: one tick is a millisecond, as HAR writers have it. What falls into one tick has an
order in the simulation that no file shows, and such a tie counts for the client.
"""
