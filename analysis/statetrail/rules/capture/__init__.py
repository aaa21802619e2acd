"""Rules on what a recording cannot tell."""
