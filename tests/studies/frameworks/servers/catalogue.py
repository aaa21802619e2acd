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

    `kind` is what the tool's policy has to begin with: ``idle`` or ``age``. The end falls up to
    `slack_s` after `seconds` where the server counts in whole seconds. `host` is the server's first
    one if it is not named.
    """

    dialect: str
    param: str
    kind: str
    seconds: float
    slack_s: float
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


TOMCAT: Final = Path("/usr/share/java/tomcat10-embed-core.jar")
NODE_MODULES: Final = Path(sys.prefix) / "node" / "node_modules"
"""Where ``make frameworks`` has npm install what `express_shop.js` needs."""


def _php(port: int, ledger: Path) -> list[str]:
    settings = {
        "session.gc_maxlifetime": f"{lifetimes.PHP_SESSION_S:.0f}",
        "session.gc_probability": "1",
        "session.gc_divisor": "1",
        "session.use_strict_mode": "1",
        "session.lazy_write": "0",
        "session.save_path": str(_made(ledger.with_name("php-sessions"))),
        "session.cookie_httponly": "1",
    }
    options = [part for name, value in settings.items() for part in ("-d", f"{name}={value}")]
    environment = ("env", f"LEDGER={ledger}", "PHP_CLI_SERVER_WORKERS=4")
    served = ("-S", f"127.0.0.1:{port}", str(HERE / "php_shop.php"))
    return [*environment, "php", *options, *served]


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _express(port: int, ledger: Path) -> list[str]:
    seconds = (f"{each:.0f}" for each in (lifetimes.EXPRESS_SESSION_S, lifetimes.REMEMBER_S))
    script = str(HERE / "express_shop.js")
    return ["env", f"NODE_PATH={NODE_MODULES}", "node", script, str(port), str(ledger), *seconds]


def _tomcat(port: int, ledger: Path) -> list[str]:
    arguments = (str(port), str(ledger), f"{lifetimes.TOMCAT_SESSION_S:.0f}")
    return ["java", "-cp", str(TOMCAT), str(HERE / "TomcatShop.java"), *arguments]


PROGRAMS: Final = {
    "curl": _program("curl", "Debian's curl"),
    "chromium": _program("chromium", "Debian's chromium"),
}
"""What clients' programs need."""

API: Final = "api.oauth0.test"
"""Where access tokens are presented."""

SERVERS: tuple[Server, ...] = (
    Server(
        "flask-wtf",
        ("flask.test",),
        _python("flask_wtf_shop"),
        (Lifetime("cookie", "session", "age", lifetimes.FLASK_SESSION_S, 1.1),),
    ),
    Server(
        "django",
        ("django.test",),
        _python("django_shop"),
        (Lifetime("cookie", "sessionid", "idle", lifetimes.DJANGO_SESSION_S, 0.3),),
        sessions=("cookie", "sessionid"),
    ),
    Server(
        "tornado",
        ("tornado.test",),
        _python("tornado_shop"),
        (Lifetime("cookie", "user", "age", lifetimes.TORNADO_LOGIN_S, 1.1),),
    ),
)
SERVERS += (
    Server("pages", ("news.test",), _python("pages")),
    Server("woocommerce", ("woo.test",), _python("woocommerce"), sessions=(
        "woocommerce", "Cart-Token",
    )),
    Server(
        "php",
        ("php.test",),
        _php,
        (Lifetime("cookie", "PHPSESSID", "idle", lifetimes.PHP_SESSION_S, 1.3),),
        sessions=("cookie", "PHPSESSID"),
        needs=(_program("php", "Debian's php-cli"),),
        scheme="http",
    ),
    Server(
        "tomcat",
        ("tomcat.test",),
        _tomcat,
        (Lifetime("jsessionid", "jsessionid", "idle", lifetimes.TOMCAT_SESSION_S, 1.3),),
        sessions=("jsessionid", "jsessionid"),
        needs=(
            Need(TOMCAT.is_file, "Debian's libtomcat10-embed-java"),
            _program("javac", "Debian's openjdk-17-jdk-headless"),
        ),
        scheme="http",
    ),
    Server(
        "express",
        ("express.test",),
        _express,
        (Lifetime("cookie", "connect.sid", "idle", lifetimes.EXPRESS_SESSION_S, 0.3),),
        sessions=("cookie", "connect.sid"),
        needs=(
            _program("node", "Debian's nodejs"),
            Need((NODE_MODULES / "express-session").is_dir, "npm (for `make frameworks`)"),
        ),
    ),
)  # fmt: skip
SERVERS += tuple(
    Server(
        f"oauth-{grace_s}",
        (f"auth.oauth{grace_s}.test", f"api.oauth{grace_s}.test"),
        _python("oauth", str(grace_s)),
        (
            Lifetime("bearer", "access_token", "age", lifetimes.ACCESS_TOKEN_S, 0.3, API),
        ) if grace_s == 0 else (),
        sessions=("bearer", "refresh_token"),
    )
    for grace_s in lifetimes.GRACE_WINDOWS_S
)  # fmt: skip
BY_NAME: Final = {server.name: server for server in SERVERS}
