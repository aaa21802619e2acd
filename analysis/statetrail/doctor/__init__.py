"""The doctor: whether what records, stores and proves on this machine is in order, a line each."""
