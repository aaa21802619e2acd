"""Real mitmdump processes with the recorder loaded."""
