"""Suggests a dialect: which values clients present that were issued to them before, and where.

Enters: captures. Leaves: proposals of parameters with their evidence, as the TOML of a dialect.
"""

from statetrail.suggest.run import Suggestion, suggest
from statetrail.suggest.toml import dialect_toml

__all__ = ["Suggestion", "dialect_toml", "suggest"]
