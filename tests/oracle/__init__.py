"""The judges of verdicts side by side: `python -m oracle.run`."""
