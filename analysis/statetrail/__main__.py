"""The command line tool, also as ``python -m statetrail``.

Ctrl-C while its modules are imported ends it at once, without a traceback.
"""

import signal
import sys


def main() -> None:
    """Run the command line; ends the process with the exit code."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from statetrail.cli import main as run

    signal.signal(signal.SIGINT, handler)
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
