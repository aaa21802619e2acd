"""Commands for what is passed on: a redacted copy, and whether a secret is in a file."""

from statetrail.cli.sharing import redact, verify

COMMANDS = (redact, verify)
