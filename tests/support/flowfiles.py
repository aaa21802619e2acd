"""mitmproxy flow files, as ``mitmdump -w`` writes them."""

import io

from mitmproxy.flow import Flow
from mitmproxy.io import FlowWriter


def flow_file(*made: Flow) -> bytes:
    """A flow file of those flows."""
    file = io.BytesIO()
    writer = FlowWriter(file)
    for flow in made:
        writer.add(flow)
    return file.getvalue()
