"""A generator of labelled clients: traffic whose every verdict and cause is known beforehand.

Servers that keep to the two protocols talk with clients that know what they know and do what they
do. `world` simulates, `labels` says what each client deserves, `har` writes what a proxy would have
seen, `confusion` holds the tool's answers against the labels. Nothing but `confusion` knows the
engine; no label comes from it.

How time is kept: one tick is a millisecond, as HAR writers have it. What falls into one tick has an
order in the simulated world that no file shows, and such a tie counts for the client.
"""
