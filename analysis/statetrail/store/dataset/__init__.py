"""The Parquet dataset: exported from stores, added to, verified, read."""
