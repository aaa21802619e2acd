"""Record session tokens and state headers of all proxied traffic into a statetrail store.

    mitmdump -s "$(python -m statetrail_addons record_state)" --set statetrail_store=shop.sqlite

Every exchange is committed before its response is released to the client; one that is streamed is
committed when its head passes, and completed at its end. Secrets are stored as keyed fingerprints
only. Nothing here changes, delays or breaks the traffic: what goes wrong in the recorder is logged
(once a minute at most), counted, and noted in the store.
"""

import sys
from pathlib import Path

try:
    from statetrail_addons._recorder import RecordState
except ImportError as missing:
    folders = [each / sub for each in Path(__file__).parents for sub in ("bin", ".venv/bin")]
    programs = [str(each / "mitmdump") for each in folders if (each / "mitmdump").is_file()]
    # A traceback would be all that mitmproxy says of an exception.
    own = programs[0] if programs else "the mitmdump of its own environment"
    sys.exit(
        f"statetrail is not installed for this mitmdump ({sys.executable}: {missing}): "
        f"use {own}, or statetrail record"
    )

# This module is the addon, instead of a list of addons in it: mitmproxy looks through every level
# at every event, which costs the proxy more than some of the hooks.
_recorder = RecordState()
load, configure = _recorder.load, _recorder.configure
running, done = _recorder.running, _recorder.done
requestheaders, responseheaders = _recorder.requestheaders, _recorder.responseheaders
response, error = _recorder.response, _recorder.error
summary, clients, report = _recorder.summary, _recorder.clients, _recorder.report
