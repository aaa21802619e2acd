"""Whether two versions of the tool say the same of the same traffic: ``make equality BEFORE=…``.

Two ways to call it:

- ``python -m studies.equality before.json after.json`` compares two files `audit.json`.
- ``python -m studies.equality --before …/bin/statetrail [--after …] [STORE …]`` lets both versions
  audit these stores, a generated one of 100,000 exchanges, and one that the older version imports
  from a HAR file of simulated clients of both dialects; then it compares.

How two documents are compared:

1. Where the schema versions of the documents differ, the renames below are applied to the older
   one; each that was needed is printed with a count.
2. Volatile fields are left out.
3. The rows of the lists in `UNORDERED`, whose order depends on renamed words, are matched by key.
4. Everything else has to be the same: keys, types, order, and floats to the last bit. Of prose,
   only where versions differ, the wording may differ, but neither the figures nor the quoted names
   in it; every changed wording is printed with a count.

Every difference is printed with its JSON path; exit 1 on any.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

VOLATILE: Final = frozenset({"$.created", "$.generator.version", "$.settings.stores[*]"})
"""When and by which version a document was made, and of which files."""

VERSIONS: Final = (1, 2, 3)
"""Schema versions of documents that the renames below connect."""

KEYS: Final[dict[str, dict[str, str]]] = {
    "$.capture.sources[*]": {"at": "started"},
    "$.sessions_lost[*]": {"ended": "end"},
}
"""Renamed keys by the path of the object that has them: ``{path: {old: new}}``."""

_RULES: Final = {"wrong-channel": "misplaced-value"}
_CAUSES: Final = {"every-request": "per-request"}
VALUES: Final[dict[str, dict[Any, Any]]] = {
    "$.findings[*].rule": _RULES,
    "$.rules[*].rule": _RULES,
    "$.findings[*].references[*]": {
        "statetrail, method: birth seen": "statetrail, method: left truncation",
        "statetrail, method: visible": "statetrail, method: visibility",
    },
    "$.rotations[*].cause": _CAUSES,
    "$.rotations_by_cause.keys()": _CAUSES,
    "$.parameters[*].changes_by_cause.keys()": _CAUSES,
    "$.survival[*].span": {"gap": "idle"},
    "$.likelihoods[*].model": {
        "idle, zone": "idle, soft threshold",
        "idle, throttled": "idle, touch interval",
        "age, zone": "age, soft threshold",
        "each use": "per request",
        "by chance": "eviction",
        "idle, mostly lost": "idle, few ends explained",
        "age, mostly lost": "age, few ends explained",
        "idle and age, hardly": "idle and age, one of a single end",
        "by gap, freely": "any function of idle time",
        "by age, freely": "any function of age",
    },
}
"""Renamed values by path, the keys of an object of counts (``….keys()``) included."""

PREFIXES: Final[dict[str, dict[str, str]]] = {"$.findings[*].id": _RULES}
"""Renamed words that the values at a path begin with."""

ADDED: Final = frozenset[str]()
"""Paths that only the newer document has."""

UNORDERED: Final = {"$.findings": "id", "$.rules": "rule", "$.suppressions": "rule"}
"""Lists whose order depends on renamed words: their rows are matched by this key."""

PROSE: Final = frozenset(
    {
        "$.answers[*].question",
        "$.answers[*].statements[*].text",
        "$.answers[*].statements[*].number",
        "$.answers[*].statements[*].denominator",
        "$.expiry[*].advice",
        "$.findings[*].title",
        "$.findings[*].message",
        "$.findings[*].remedy",
        "$.rules[*].title",
    }
)

QUOTED: Final = re.compile(r"(?<!`)\b(taken|unseen)\b(?!`)")
"""Names that older prose had without quotes."""

_SHOWN: Final = 40
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_FIGURES: Final = re.compile(
    r"`[^`]*`|\((?:[^()]|\([^()]*\))*\)|~[0-9a-f]{8}|_\w+|\w*[a-z][A-Z]\w*|\d[\d,.]*\d|\d"
)
"""Figures and names in prose: quoted, in parentheses, pseudonyms, parameters, numbers."""


@dataclass(slots=True)
class Comparison:
    """What two documents differ in.

    Attributes
    ----------
    differences
        JSON path, and what is there before and after.
    renames
        How often each rename was applied.
    wordings
        How often each wording was replaced by another; `#` stands for a figure or name.
    """

    differences: list[str] = field(default_factory=list)
    renames: Counter[str] = field(default_factory=Counter)
    wordings: Counter[tuple[str, str]] = field(default_factory=Counter)


def compare(before: dict[str, Any], after: dict[str, Any]) -> Comparison:
    """Compare two audits as read from JSON."""
    result = Comparison()
    renamed = before["schema_version"] != after["schema_version"]
    if renamed:
        before = _rename(before, "$", result.renames)
        versions = before["schema_version"], after["schema_version"]
        if all(version in VERSIONS for version in versions):
            before["schema_version"] = after["schema_version"]
            result.renames["$.schema_version {} → {}".format(*versions)] += 1
    for path, old, new in _differing(before, after, "$"):
        where = _INDEX.sub("[*]", path)
        if where in VOLATILE or (renamed and where in ADDED and old is _ABSENT):
            continue
        if renamed and where in PROSE and _figures(old) == _figures(new) is not None:
            result.wordings[_FIGURES.sub("#", old), _FIGURES.sub("#", new)] += 1
        else:
            result.differences.append(f"{path}: {_short(old)} → {_short(new)}")
    return result


def _rename(node: Any, where: str, renames: Counter[str]) -> Any:
    """The node as the newer version would write it; `where` is its path in the older one."""
    if isinstance(node, list):
        return [_rename(one, f"{where}[*]", renames) for one in node]
    if isinstance(node, str):
        for old, new in PREFIXES.get(where, {}).items():
            if node.startswith(f"{old}-"):
                renames[f"{where} {old}-… → {new}-…"] += 1
                return new + node.removeprefix(old)
    if not isinstance(node, dict):
        return _renamed(node, VALUES.get(where, {}), where, renames)
    keys = KEYS.get(where, {}) | VALUES.get(f"{where}.keys()", {})
    return {
        _renamed(key, keys, f"{where}.", renames): _rename(value, f"{where}.{key}", renames)
        for key, value in node.items()
    }


def _renamed(word: Any, words: dict[Any, Any], where: str, renames: Counter[str]) -> Any:
    if word not in words:
        return word
    renames[f"{where} {word} → {words[word]}"] += 1
    return words[word]


_ABSENT: Final = object()


def _differing(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path, before and after of all that is not the same."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in (*old, *(new.keys() - old.keys())):
            yield from _differing(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        if key := UNORDERED.get(path):
            before, after = ({row[key]: row for row in rows} for rows in (old, new))
            if (len(before), len(after)) == (len(old), len(new)):
                for name in (*before, *(after.keys() - before.keys())):
                    pair = (rows.get(name, _ABSENT) for rows in (before, after))
                    yield from _differing(*pair, f"{path}[{name}]")
                return
        for at in range(max(len(old), len(new))):
            pair = (side[at] if at < len(side) else _ABSENT for side in (old, new))
            yield from _differing(*pair, f"{path}[{at}]")
    elif type(old) is not type(new) or old != new:
        yield path, old, new


def _figures(text: Any) -> list[str] | None:
    """The figures and quoted names of a text, those that are renamed by their newer name."""
    if not isinstance(text, str):
        return None
    for words in VALUES.values():
        for old, new in words.items():
            text = text.replace(f"`{old}`", f"`{new}`")
    return _FIGURES.findall(QUOTED.sub(r"`\1`", text))


def _short(value: Any) -> str:
    if value is _ABSENT:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:159]}…"


def show(result: Comparison) -> bool:
    """Print a comparison; whether the documents are equal."""
    for rename, count in sorted(result.renames.items()):
        print(f"  renamed {count:7,} × {rename}")
    for (old, new), count in sorted(result.wordings.items()):
        print(f"  reworded {count:6,} × {old!r}\n                  → {new!r}")
    for difference in result.differences[:_SHOWN]:
        print(f"  {difference}")
    if len(result.differences) > _SHOWN:
        print(f"  … and {len(result.differences) - _SHOWN:,} more")
    if result.differences:
        print(f"  {len(result.differences):,} differences")
    else:
        print("  equal but for the listed renames" if result.renames else "  equal")
    return not result.differences


def make_stores(folder: Path, before: Path, exchanges: int) -> list[Path]:
    """A large dataset of one dialect, and a store of simulated clients of both."""
    from studies.benchmarks.generate import generate
    from studies.simulation.clients import simulate
    from studies.simulation.har import write_har

    print(f"generating {exchanges:,} exchanges", flush=True)
    generate(folder / "generated", exchanges, version=2)
    har, store = folder / "labelled.har", folder / "labelled.sqlite"
    write_har(har, *simulate(1, 100, max(exchanges // 10, 100)), 1)
    _run(before, "import", har, "--store", store)
    return [folder / "generated", store]


def _audit(statetrail: Path, store: Path, to: Path) -> dict[str, Any]:
    _run(statetrail, "audit", store, "--json", to)
    return _read(to)


def _run(statetrail: Path, *arguments: str | Path) -> None:
    done = subprocess.run([statetrail, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{statetrail} {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def main() -> int:
    """Compare; 0 if everything is equal."""
    parser = argparse.ArgumentParser(
        prog="studies.equality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, help="two audit.json, or stores")
    parser.add_argument("--before", type=Path, help="the older version's statetrail")
    parser.add_argument("--after", type=Path, default=Path(sys.executable).with_name("statetrail"))
    parser.add_argument("--exchanges", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="a folder for the stores and the audits")
    options = parser.parse_args()
    if options.before is None:
        if len(options.files) != 2:
            parser.error("two files audit.json are needed, or --before")
        return 0 if show(compare(*map(_read, options.files))) else 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        stores = [*options.files, *make_stores(folder, options.before, options.exchanges)]
        equal = True
        for store in stores:
            print(store, flush=True)
            audits = (
                _audit(statetrail, store, folder / f"{store.stem}-{name}.json")
                for name, statetrail in (("before", options.before), ("after", options.after))
            )
            equal &= show(compare(*audits))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
