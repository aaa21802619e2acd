"""The judges of verdicts side by side: `python -m studies.oracle.run`."""
