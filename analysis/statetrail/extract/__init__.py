"""The facts of one exchange: what state was issued and presented in it."""
