"""The rules of cookies beside a real Chromium: `python -m studies.cookies.run`."""
