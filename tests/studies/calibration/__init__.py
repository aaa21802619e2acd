"""Calibration: the inference of expiry held against captures whose policy is known."""
