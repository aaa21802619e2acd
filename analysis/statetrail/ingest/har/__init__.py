"""HAR 1.2 files, read entry by entry."""
