"""Sections with details for those to whom a report is handed on; they are folded on the page."""
