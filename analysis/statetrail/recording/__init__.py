"""A recording as lazy frames on an engine."""
