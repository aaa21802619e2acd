"""The facts of one exchange: what state was issued and presented in it."""

from statetrail.extract.extractor import ExtractorConfig, extract
from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.records import (
    Exchange,
    ExchangeFacts,
    ExchangeRow,
    Issued,
    Presented,
    Request,
    Response,
    StorableValue,
    TokenCandidate,
)

__all__ = [
    "Exchange",
    "ExchangeFacts",
    "ExchangeRow",
    "ExtractorConfig",
    "Fingerprinter",
    "Issued",
    "Presented",
    "Request",
    "Response",
    "StorableValue",
    "TokenCandidate",
    "extract",
]
