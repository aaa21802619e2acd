"""``python -m statetrail``: the command line tool."""

from statetrail.cli import main

if __name__ == "__main__":
    main()
