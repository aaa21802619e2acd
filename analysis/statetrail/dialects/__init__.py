"""The dialects: what each protocol says of where state is issued and presented.

A dialect is a TOML file. `statetrail.dialects.loading` reads it, `statetrail.dialects.places` holds
the places of state that it can name, one module each.
"""

from statetrail.dialects.declarations import Family, Param, Scope
from statetrail.dialects.loading import builtin, load, select
from statetrail.dialects.model import Dialect

__all__ = ["Dialect", "Family", "Param", "Scope", "builtin", "load", "select"]
