"""What the clients of the study do, one file a server; `catalogue` lists them."""
