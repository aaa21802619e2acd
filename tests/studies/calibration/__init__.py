"""Calibration: the inference of expiry held against worlds whose policy is known."""
