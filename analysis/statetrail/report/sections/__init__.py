"""The sections of the audit: from result frames to what the document tells."""
