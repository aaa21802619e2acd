"""Captures: live flows, flow files and HAR files, all read as the same `Exchange`."""
