"""Recordings as integer arrays, judged bucket by bucket."""
