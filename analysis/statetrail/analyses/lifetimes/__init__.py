"""How long tokens live: uses, outcomes, and the expiry policy."""
