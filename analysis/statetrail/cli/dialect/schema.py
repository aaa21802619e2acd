"""`statetrail dialect schema`: the JSON Schema of a dialect's TOML."""

import json

EXAMPLES = """[b]Examples[/b]

statetrail dialect schema > dialect.schema.json

Then, in the first line of a dialect for editors with Taplo (Even Better TOML):

#:schema ./dialect.schema.json"""


def command() -> None:
    """Print the JSON Schema (draft 2020-12) of a dialect's TOML, for editors.

    An editor then completes keys and shows what they mean. What one key says of another one, only
    `statetrail dialect check` knows.
    """
    from statetrail.dialects.toml_schema import toml_schema

    print(json.dumps(toml_schema(), indent=2))
