"""Captures: live flows, flow files and HAR files, all turned into the same `Exchange`."""
