"""The analyses: pure functions from documented frames to documented frames."""
