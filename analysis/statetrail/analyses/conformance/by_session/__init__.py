"""Judging by sessions: what was issued to the session of a request, else to its sender."""
