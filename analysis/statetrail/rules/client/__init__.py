"""Rules on what a client does with the state that it is given."""
