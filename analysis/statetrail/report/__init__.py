"""The report: one audit of a recording, as HTML, JSON, Markdown, JUnit XML and charts."""

from statetrail.report.audit import Audit, audit

__all__ = ["Audit", "audit"]
