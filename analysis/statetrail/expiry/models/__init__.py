"""The models of a policy: each one file, with its label and its marginal likelihood."""
