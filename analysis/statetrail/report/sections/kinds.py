"""The kinds of values that parts of the document share."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

type Confidence = Literal["none", "low", "medium", "high"]
type Time = Annotated[datetime, Meta(tz=True)]
type Counts = Annotated[dict[str, int], Meta(description="How often, by name")]
