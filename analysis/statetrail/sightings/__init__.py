"""Sightings: what one exchange says of the state that was issued and presented in it."""

from statetrail.sightings.pseudonyms import Pseudonymiser
from statetrail.sightings.records import (
    Exchange,
    ExchangeRow,
    Issued,
    Presented,
    Request,
    Response,
    Seen,
    Sighted,
    Trace,
)
from statetrail.sightings.sight import Sighting, sight

__all__ = [
    "Exchange",
    "ExchangeRow",
    "Issued",
    "Presented",
    "Pseudonymiser",
    "Request",
    "Response",
    "Seen",
    "Sighted",
    "Sighting",
    "Trace",
    "sight",
]
