"""The JSON Schema of a dialect's TOML, for editors.

Enters: the `msgspec` structs of the declarations, and of the places that were found. Leaves: a
schema (draft 2020-12), with the first paragraph and the attributes of the docstrings as texts.
What one key says of another one, only `statetrail dialect check` knows.
"""

import inspect
import re
from typing import Any, Final

import msgspec

from statetrail.dialects.declarations import Family, Param, Refusal, Scope, Text
from statetrail.dialects.model import Dialect
from statetrail.dialects.place import IssuePlace
from statetrail.dialects.places import ISSUE_PLACES, PRESENT_PLACES

_REFERENCE: Final = "#/$defs/{name}"


def toml_schema() -> dict[str, Any]:
    """The JSON Schema of a dialect."""
    structs: list[Any] = [Dialect, Scope, Family, Param, Refusal, Text]
    structs += [*ISSUE_PLACES.values(), *PRESENT_PLACES.values()]
    _, definitions = msgspec.json.schema_components(
        structs, schema_hook=_place, ref_template=_REFERENCE
    )
    for struct in structs:
        _describe(definitions[struct.__name__], struct)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **definitions.pop("Dialect"),
        "title": "A dialect of statetrail",
        "$defs": definitions,
    }


def _place(kind: type) -> dict[str, Any]:
    places: dict[str, Any] = ISSUE_PLACES if kind is IssuePlace else PRESENT_PLACES
    return {"oneOf": [{"$ref": _REFERENCE.format(name=each.__name__)} for each in places.values()]}


def _describe(definition: dict[str, Any], struct: type) -> None:
    """Texts for people; and no null, which TOML has not."""
    definition["description"] = _plain((struct.__doc__ or "").split("\n\n")[0])
    texts = {name: text for base in reversed(struct.__mro__) for name, text in _attributes(base)}
    for name, schema in definition["properties"].items():
        if "anyOf" in schema:
            kinds = [kind for kind in schema.pop("anyOf") if kind.get("type") != "null"]
            schema |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        if schema.get("default") is None or isinstance(schema["default"], dict):
            schema.pop("default", None)
        if name in texts:
            schema["description"] = texts[name]


def _attributes(struct: type) -> list[tuple[str, str]]:
    """The fields that a numpydoc docstring describes; without the dots of a reference."""
    listed = inspect.cleandoc(struct.__doc__ or "").partition("Attributes\n----------\n")[2]
    found = re.findall(r"^(\w[\w, ]*)\n((?: {4}.*\n?|\n(?= {4}))+)", listed, re.MULTILINE)
    return [(name.rstrip("_"), _plain(text)) for names, text in found for name in names.split(", ")]


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
