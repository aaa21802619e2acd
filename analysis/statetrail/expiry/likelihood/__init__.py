"""Likelihood: how probable ends and survivals are: what models of expiry are made of."""
