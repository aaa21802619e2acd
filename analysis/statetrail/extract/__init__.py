"""Sightings: what one exchange says of the state that was issued and presented in it."""

from statetrail.extract.extractor import Sighting, sight
from statetrail.extract.fingerprint import Pseudonymiser
from statetrail.extract.records import (
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
