"""`statetrail dialect`: what dialects declare, and whether one of your own is right.

One module a subcommand, as for the commands.
"""

from statetrail.cli.dialect import check, explain, list_, schema, try_

HELP = "Dialects: list them, explain one, check and try your own."
COMMANDS = (list_, explain, check, try_, schema)
