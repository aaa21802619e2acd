"""Print the path of an addon script: ``mitmdump -s "$(python -m statetrail_addons record_state)"``."""  # noqa: E501

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Print the script's path, or what there is; exit code 0, or 2 for an unknown script."""
    scripts = sorted(p.stem for p in _FOLDER.glob("*.py") if not p.stem.startswith("_"))
    if arguments in (["-h"], ["--help"]):
        print(f"usage: python -m statetrail_addons {{{','.join(scripts)}}}")
        print('e.g.   mitmdump -s "$(python -m statetrail_addons record_state)"')
        return 0
    if len(arguments) != 1 or arguments[0] not in scripts:
        print(f"name one addon script: {', '.join(scripts)}", file=sys.stderr)
        return 2
    print(_FOLDER / f"{arguments[0]}.py")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
