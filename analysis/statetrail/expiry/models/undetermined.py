"""No policy: nothing ended, or the ends fit no model well enough."""

from typing import Final

from statetrail.expiry.models.model import Policy

UNDETERMINED: Final = Policy(
    name="undetermined",
    description="too little evidence to name a policy",
    sentence="ends, but its policy is undetermined. If it is an idle timeout, the timeout is "
    "{idle}; if it is a limit on the age, the limit is {age}",
    is_named=False,
)
NONE_SEEN: Final = Policy(
    name="none-seen",
    description="no end was seen, except for restarts and calendars",
    sentence="ended only at restarts or by a calendar: an idle timeout is {idle}, a limit on the "
    "age {age}",
    is_named=False,
)
POLICIES: Final = (NONE_SEEN, UNDETERMINED)
