"""Rules on the security of tokens."""
