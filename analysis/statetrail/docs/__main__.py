"""Renews the generated documentation pages and pictures: ``python -m statetrail.docs``."""

from statetrail.docs import FOLDER, write_pages
from statetrail.docs.pictures import write_pictures

if __name__ == "__main__":
    renewed = [*write_pages(), *write_pictures(FOLDER)]
    print("renewed:", ", ".join(map(str, renewed)) or "nothing, all pages are current")
