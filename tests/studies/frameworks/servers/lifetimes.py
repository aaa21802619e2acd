"""How long the servers of the study let their sessions and tokens live, in seconds.

All but the grace windows are multiplied by the environment variable ``STUDY_PACE``: on a machine
that has other work, sessions of a few seconds end between two clicks.
"""

import os
from typing import Final

PACE: Final = float(os.environ.get("STUDY_PACE", "1"))

FLASK_SESSION_S: Final = 8 * PACE
"""Since the last response that wrote the session."""
DJANGO_SESSION_S: Final = 5 * PACE
"""Since the last request of the session."""
TORNADO_LOGIN_S: Final = 8 * PACE
"""Since the login."""
PHP_SESSION_S: Final = 4 * PACE
"""Since the last request of the session; PHP counts whole seconds, and collects at each start."""
TOMCAT_SESSION_S: Final = 5 * PACE
"""Since the last request of the session; Tomcat looks for old ones once a second."""
EXPRESS_SESSION_S: Final = 5 * PACE
"""Since the last request of the session, as a store with a time to live has it."""
REMEMBER_S: Final = 4 * PACE
"""Since the login, as the cookie itself says (``Max-Age``)."""
ACCESS_TOKEN_S: Final = 8 * PACE
"""Since the issue, which says so (``expires_in``)."""
CART_TOKEN_S: Final = 10 * PACE
"""Since the issue, which says so (``exp`` of the token)."""
NONCE_S: Final = 10 * PACE
"""A nonce of WordPress is good for one to two halves of this; the next one comes with each."""
GRACE_WINDOWS_S: Final = (0, 10, 45)
"""How long a replaced refresh token is still taken, one server each."""
