"""Judging by declarations: single values, by what a dialect says of their lifecycles (`Param`)."""
