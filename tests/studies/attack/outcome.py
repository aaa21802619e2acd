"""What a part of the study found."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """The number of things tried, and each one that went wrong, as a line."""

    tried: int = 0
    wrong: list[str] = field(default_factory=list)
