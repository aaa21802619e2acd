"""Rules on what an API does with the state that it issues."""
