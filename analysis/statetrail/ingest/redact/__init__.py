"""Redacted copies of captures: what stays is listed, everything else goes."""
