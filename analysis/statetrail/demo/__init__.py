"""The demo: reference origins, well- and ill-behaved clients, and an audit of what they did."""
