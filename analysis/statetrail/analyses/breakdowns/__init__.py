"""Breakdowns: results counted by endpoint, by hour and by the version of the client."""
