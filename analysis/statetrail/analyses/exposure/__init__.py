"""Credentials in other hands, and values that clients chose themselves."""
