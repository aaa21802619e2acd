"""Renews every generated page, picture and schema: ``python -m studies.documentation``."""

from studies.documentation import FOLDER, write_pages, write_schema
from studies.documentation.diagrams import write_diagrams
from studies.documentation.layout import write_layout
from studies.documentation.pictures import write_pictures

if __name__ == "__main__":
    renewed = [
        *write_pages(),
        *write_schema(),
        *write_pictures(FOLDER),
        *write_diagrams(FOLDER),
        *write_layout(),
    ]
    print("renewed:", ", ".join(map(str, renewed)) or "nothing, all are current")
