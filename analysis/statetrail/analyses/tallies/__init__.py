"""What some rules count: how often something happened, of how often it could have."""
