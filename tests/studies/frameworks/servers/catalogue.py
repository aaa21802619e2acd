"""The servers of the study: how each is started, its hosts, its lifetimes, its session table."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from studies.frameworks.servers import lifetimes

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long values of one parameter live at one host.

    `kind` is what the tool's policy has to begin with: ``idle`` or ``age``. The end falls between
    `seconds` and `latest_s` where the server counts in whole seconds or looks for old sessions at
    times. `host` is the server's first one if it is not named.
    """

    dialect: str
    param: str
    kind: str
    seconds: float
    latest_s: float
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a server needs that no Python package brings: how to see it, and what installs it."""

    there: Callable[[], bool]
    package: str


@dataclass(frozen=True, slots=True)
class Server:
    """One server.

    Attributes
    ----------
    name
        What ``--only`` calls it.
    hosts
        Names under which clients reach it, the first one their origin's.
    command
        Its command line, of a port and the path of its ledger.
    lifetimes
        Those it is configured with.
    sessions
        The dialect and the parameter of its sessions, if it keeps a table of them.
    needs
        What has to be installed.
    scheme
        Of the clients' origin.
    """

    name: str
    hosts: tuple[str, ...]
    command: Callable[[int, Path], list[str]]
    lifetimes: tuple[Lifetime, ...] = ()
    sessions: tuple[str, str] | None = None
    needs: tuple[Need, ...] = ()
    scheme: str = "https"

    @property
    def origin(self) -> str:
        """Where clients begin."""
        return f"{self.scheme}://{self.hosts[0]}"

    def missing(self) -> list[str]:
        """The packages that have to be installed first."""
        return [need.package for need in self.needs if not need.there()]


def _python(module: str, *arguments: str) -> Callable[[int, Path], list[str]]:
    name = f"studies.frameworks.servers.{module}"
    return lambda port, ledger: [sys.executable, "-m", name, str(port), str(ledger), *arguments]


def _program(name: str, package: str) -> Need:
    return Need(lambda: shutil.which(name) is not None, package)


PROGRAMS: Final = {
    "curl": _program("curl", "Debian's curl"),
    "chromium": _program("chromium", "Debian's chromium"),
}
"""What clients' programs need."""

SERVERS: Final = (
    Server(
        "flask-wtf",
        ("flask.test",),
        _python("flask_wtf_shop"),
        (Lifetime("cookie", "session", "age", lifetimes.FLASK_SESSION_S, 6.1),),
    ),
    Server(
        "django",
        ("django.test",),
        _python("django_shop"),
        (Lifetime("cookie", "sessionid", "idle", lifetimes.DJANGO_SESSION_S, 4.3),),
        sessions=("cookie", "sessionid"),
    ),
    Server(
        "tornado",
        ("tornado.test",),
        _python("tornado_shop"),
        (Lifetime("cookie", "user", "age", lifetimes.TORNADO_LOGIN_S, 6.1),),
    ),
)
BY_NAME: Final = {server.name: server for server in SERVERS}
