"""The catalogue of the tables that analyses make of a recording."""

from typing import Final

from statetrail.analyses.causes.tables import ROOT_CAUSES
from statetrail.analyses.conformance.tables import CLIENTS, VERDICTS
from statetrail.analyses.exposure.tables import LEAKS, OVERRIDES, SHARED
from statetrail.analyses.lifetimes.tables import EXPIRY, USES
from statetrail.analyses.sessions.tables import SESSIONS
from statetrail.analyses.tokens.tables import ROTATIONS, TOKENS
from statetrail.schema import FACTS, Table

TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        *(*FACTS, TOKENS, ROTATIONS, SESSIONS, USES, VERDICTS, ROOT_CAUSES, CLIENTS, EXPIRY),
        *(OVERRIDES, SHARED, LEAKS),
    )
}
"""The facts and the results, by name; findings are made of them (`statetrail.rules`)."""
