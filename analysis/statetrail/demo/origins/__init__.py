"""The demo's two reference origins: small servers that follow the protocol texts."""
