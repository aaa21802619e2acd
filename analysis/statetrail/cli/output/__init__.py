"""What commands print and write: text for a terminal, tables, files, the summary of an audit."""
