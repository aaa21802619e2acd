"""The facts of one exchange: what state was issued and presented in it."""

from statetrail.extract.exchange_row import ExchangeRow
from statetrail.extract.extractor import ExchangeFacts, ExtractorConfig, extract, extract_all
from statetrail.extract.fingerprint import Fingerprinter, StorableValue
from statetrail.extract.records import Exchange, Request, Response
from statetrail.extract.state import Issued, Presented
from statetrail.extract.token_candidates import TokenCandidate

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
    "extract_all",
]
