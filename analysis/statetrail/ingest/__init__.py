"""Captures: live flows, and files of many formats, all read as the same `Exchange`."""
