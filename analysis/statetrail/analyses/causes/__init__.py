"""Root causes: why a client ignored state."""
