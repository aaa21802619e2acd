"""What the reuse of refresh tokens fits, in random worlds."""
