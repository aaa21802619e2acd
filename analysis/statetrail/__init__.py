"""statetrail."""
