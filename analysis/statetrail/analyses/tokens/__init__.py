"""Tokens and their rotations."""
