"""What is installed, the clock, and the certificate authority of the proxy."""

import ctypes
import platform
import ssl
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import apsw
from cryptography import x509
from OpenSSL import crypto

from statetrail import __version__
from statetrail.doctor.check import Check, ok, warning, wrong
from statetrail.errors import EXTRAS

_EARLIEST: Final = 1_767_225_600
"""2026-01-01: no clock of a recorder is right that says an earlier time."""
_UNSYNCHRONISED: Final = 5
_SOON_S: Final = 30 * 86_400
_AUTHORITY: Final = "mitmproxy-ca-cert.pem"


def check_versions() -> Check:
    """What runs here, and which extras are installed."""
    lacking = {extra for module, extra in EXTRAS.items() if find_spec(module) is None}
    there = sorted({*EXTRAS.values()} - lacking)
    try:
        mitmproxy = version("mitmproxy")
    except PackageNotFoundError:
        return wrong(
            "versions", "mitmproxy is not installed: pip install statetrail", page="installing"
        )
    return ok(
        "versions",
        f"statetrail {__version__}, mitmproxy {mitmproxy}, Python {platform.python_version()}, "
        f"SQLite {apsw.sqlite_lib_version()}; extras: {', '.join(there) or 'none'}",
    )


def check_clock() -> Check:
    """Whether the clock may be right, and whether something keeps it so."""
    now = time.time()
    says = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%S} UTC"
    if now < _EARLIEST:
        return wrong("clock", f"it says {says}, which is past: set it before recording")
    if (kept := _is_synchronised()) is None:
        return ok("clock", f"{says}; this system does not report whether it is synchronised")
    if not kept:
        return warning(
            "clock", f"{says}, not synchronised: a step of the clock makes lifetimes wrong"
        )
    return ok("clock", f"{says}, synchronised")


def _is_synchronised() -> bool | None:
    """Whether the kernel's clock is kept by NTP; `None`: it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        # A struct timex of zeros changes nothing; the kernel's is smaller.
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED


def check_authority(folder: Path) -> Iterator[Check]:
    """Whether this system trusts the certificate authority of mitmproxy."""
    path = folder.expanduser() / _AUTHORITY
    try:
        pem = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
    except FileNotFoundError:
        yield ok("authority", f"{path} is not there yet: mitmproxy makes one at its first start")
        return
    except (OSError, ValueError):
        yield wrong("authority", f"{path} cannot be read as a certificate")
        return
    left_s = certificate.not_valid_after_utc.timestamp() - time.time()
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if left_s < 0:
        yield wrong("authority", f"{path} expired on {until}: remove it, mitmproxy makes another")
    elif left_s < _SOON_S:
        yield warning("authority", f"{path} expires on {until}")
    elif not _is_trusted(pem):
        yield warning(
            "authority",
            f"{path} is not trusted by this system: https clients on it refuse the proxy until "
            "they trust it, except behind a reverse proxy of their own name",
            page="recorder",
        )
    else:
        yield ok("authority", f"{path} is trusted by this system until {until}")


def _is_trusted(pem: bytes) -> bool:
    places = ssl.get_default_verify_paths()
    if not (places.cafile or places.capath):
        return False
    store = crypto.X509Store()
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
    try:
        store.load_locations(places.cafile, places.capath)
        crypto.X509StoreContext(store, certificate).verify_certificate()
    except (crypto.X509StoreContextError, crypto.Error):
        return False
    return True
