"""mitmproxy's own lines on connections, which quote what it refuses: a whole request, with tokens.

Enters: log records of mitmproxy's proxy. Leaves: the same without what is quoted, and a call for
each request that was refused before it became a flow.
"""

import logging
import re
from collections.abc import Callable
from typing import Final

from statetrail.extract.fingerprint import Fingerprinter
from statetrail.extract.text import mask_free_text

LOGGER: Final = "mitmproxy.proxy.server"

_REFUSED: Final = re.compile(
    r"Bad HTTP request line|Invalid header|before completing request headers"
    r"|(?:invalid|unknown|unexpected|multiple) [a-z-]+ header|header name"
)
# From the first quote to the last one: a quoted text may hold quotes itself.
_QUOTED: Final = re.compile(r"b?(['\"]).*\1", re.DOTALL)
_URL: Final = re.compile(r"(?<=://)\S*")


class QuietProxyLog(logging.Filter):
    """Calls `refused` for each refused request; with a fingerprinter, takes out what is quoted.

    What looks like a token elsewhere in a line, e.g. in the name of a host, is a pseudonym then.
    """

    def __init__(self, refused: Callable[[], None], fingerprinter: Fingerprinter | None) -> None:
        super().__init__()
        self._refused = refused
        self._fingerprinter = fingerprinter

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if _REFUSED.search(_QUOTED.sub("", line)):
            self._refused()
        if self._fingerprinter is not None:
            record.msg, record.args = self._quiet(line), ()
            if record.exc_info and (kind := record.exc_info[0]) is not None:
                # A traceback may quote as well.
                record.msg = f"{record.msg.partition('\n')[0]} ({kind.__name__})"
            record.exc_info = record.exc_text = None
        return True

    def _quiet(self, line: str) -> str:
        assert self._fingerprinter is not None
        return mask_free_text(_URL.sub("…", _QUOTED.sub("…", line)), self._fingerprinter)
