"""Renews the generated documentation pages: ``python -m statetrail.docs``."""

from statetrail.docs import write_pages

if __name__ == "__main__":
    print("renewed:", ", ".join(write_pages()) or "nothing, all pages are current")
