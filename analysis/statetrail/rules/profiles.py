"""Profiles: the thresholds that some rules check tokens against, each with its source.

Enters: a name, or a TOML file with the fields of `Profile`. Leaves: a `Profile`. It decides which
findings there are; no verdict depends on it.
"""

from pathlib import Path
from typing import Final

import msgspec

from statetrail.errors import UsageError, unknown
from statetrail.rules.sources import cite


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thresholds of one standard, or of your own.

    Attributes
    ----------
    name
        Shown in the findings.
    idle_max_s, age_max_s
        Maximum seconds that a token may be unused, and that it may live in total.
    bits_min
        Minimum bits of a token.
    overlap_s
        Seconds after its replacement in which an old token may still be accepted, because requests
        are under way.
    references
        Where the numbers come from.
    """

    name: str
    idle_max_s: float
    age_max_s: float
    bits_min: float
    overlap_s: float = 60.0
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in ("idle_max_s", "age_max_s", "bits_min", "overlap_s"):
            number = getattr(self, field)
            if not 0 <= number < 1e12:
                raise ValueError(f"{field} is {number}: give a number from 0 on")

    @property
    def words(self) -> dict[str, str]:
        """The thresholds as the findings write them."""
        return {
            "profile": self.name,
            "idle_max": span(self.idle_max_s),
            "age_max": span(self.age_max_s),
            "bits_min": f"{self.bits_min:g}",
            "overlap": span(self.overlap_s),
        }


def span(seconds: float) -> str:
    """A threshold in its largest whole unit.

    >>> span(3600), span(90), span(900), span(86_400)
    ('1 h', '90 s', '15 min', '24 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


PROFILES: Final[dict[str, Profile]] = {
    name: Profile(
        name=name,
        idle_max_s=idle_min * 60,
        age_max_s=age_h * 3600,
        bits_min=bits,
        references=tuple(map(cite, sources)),
    )
    for name, idle_min, age_h, bits, sources in (
        ("nist-aal2", 60, 24, 64, ("NIST 2.2.3", "NIST 5.1")),
        ("nist-aal3", 15, 12, 64, ("NIST 2.3.3", "NIST 5.1")),
        ("owasp-low", 30, 8, 64, ("OWASP Session Expiration", "OWASP Session ID Entropy")),
        ("owasp-high", 5, 4, 128, ("OWASP Session Expiration", "ASVS 7.2.3")),
    )
}
"""The profiles that are shipped, by their names."""
DEFAULT: Final = PROFILES["nist-aal2"]


def load_profile(name: str | Path) -> Profile:
    """The profile of that name, or from that TOML file.

    Raises
    ------
    UsageError
        There is no such profile, or the file is not valid.
    """
    if isinstance(name, str) and name in PROFILES:
        return PROFILES[name]
    path = Path(name)
    if path.suffix != ".toml":
        raise UsageError(
            unknown("profile", str(name), PROFILES, ", or name a .toml file"), page="profiles"
        )
    return read_toml(path, Profile, "profile", "profiles")


def read_toml[T](path: Path | str, kind: type[T], what: str, page: str) -> T:
    """A file as a struct; raises `UsageError`, in which it is a `what`, which a page explains."""
    try:
        return msgspec.toml.decode(Path(path).read_bytes(), type=kind)
    except FileNotFoundError:
        raise UsageError(f"there is no {what} {path}", page=page) from None
    except (ValueError, RecursionError) as error:  # also of numbers too long, tables too deep
        raise UsageError(f"{path} is no {what}: {error}", page=page) from None
