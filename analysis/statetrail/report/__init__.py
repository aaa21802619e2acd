"""The report: one audit of a recording, as HTML, JSON, Markdown, JUnit XML and charts."""
