"""Sessions: chains of tokens."""
