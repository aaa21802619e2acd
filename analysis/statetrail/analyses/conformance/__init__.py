"""Verdicts: what each request did with each state parameter."""
