"""The report: one audit of a recording, as HTML, JSON, Markdown, JUnit XML and charts."""

from statetrail.report.audit import Audit, audit
from statetrail.report.comparison import Comparison, compare

__all__ = ["Audit", "Comparison", "audit", "compare"]
