"""Cookies as user agents keep them: draft-ietf-httpbis-rfc6265bis-22, here RFC 6265bis.

`set_cookie` and `dates` read the header fields (sections 5.1.1 and 5.6), `scope` compares hosts and
paths (5.1.2 to 5.1.4), `request` says whether a request is cross-site (5.2), `store` what a store
keeps, refuses and drops (5.7), `retrieval` which cookies a request has to carry (5.8). All of it is
pure: no clock, no store, no network.
"""
