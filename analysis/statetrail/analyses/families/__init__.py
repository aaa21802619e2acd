"""Families of refresh tokens: each token replaced by the next, and what happened where one was used
twice."""
