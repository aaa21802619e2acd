"""Recording that continues when the store fails, as it may live in front of production."""
