"""Issues and presentations of values, and what became of each."""
