"""How long the servers of the study let their sessions and tokens live, in seconds."""

from typing import Final

FLASK_SESSION_S: Final = 5
"""Since the last response that wrote the session."""
DJANGO_SESSION_S: Final = 4
"""Since the last request of the session."""
TORNADO_LOGIN_S: Final = 5
"""Since the login."""
PHP_SESSION_S: Final = 3
"""Since the last request of the session; PHP counts whole seconds, and collects at each start."""
TOMCAT_SESSION_S: Final = 4
"""Since the last request of the session; Tomcat looks for old ones once a second."""
EXPRESS_SESSION_S: Final = 4
"""Since the last request of the session, as a store with a time to live has it."""
ACCESS_TOKEN_S: Final = 4
"""Since the issue, which says so (``expires_in``)."""
CART_TOKEN_S: Final = 6
"""Since the issue, which says so (``exp`` of the token)."""
NONCE_S: Final = 6
"""A nonce of WordPress is good for one to two halves of this; the next one comes with each."""
GRACE_WINDOWS_S: Final = (0, 10, 45)
"""How long a replaced refresh token is still taken, one server each."""
