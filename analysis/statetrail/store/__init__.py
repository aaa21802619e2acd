"""The store of facts: written as SQLite, read as Arrow, exported as Parquet.

The recorder only writes: it does without Arrow, which `reader` and `dataset` import.
"""
