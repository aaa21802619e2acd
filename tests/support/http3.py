"""A small HTTP/3 client, for what the other clients of the tests do not speak."""

import asyncio
import ssl

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent

type Answer = tuple[dict[bytes, bytes], bytes]


class _Client(QuicConnectionProtocol):
    """One connection, one request at a time."""

    http: H3Connection
    answered: asyncio.Future[Answer]
    headers: dict[bytes, bytes]
    body: bytes

    async def get(self, authority: str, path: str, headers: dict[str, str]) -> Answer:
        self.answered, self.headers, self.body = asyncio.get_running_loop().create_future(), {}, b""
        stream = self._quic.get_next_available_stream_id()
        head = {":method": "GET", ":scheme": "https", ":authority": authority, ":path": path}
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        pseudo = [(name.encode(), value.encode()) for name, value in head.items()]
        self.http.send_headers(stream, [*pseudo, *fields], end_stream=True)
        self.transmit()
        return await asyncio.wait_for(self.answered, 30)

    def quic_event_received(self, event: QuicEvent) -> None:
        for each in self.http.handle_event(event):
            self._take(each)

    def _take(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self.headers |= dict(event.headers)
        elif isinstance(event, DataReceived):
            self.body += event.data
        if getattr(event, "stream_ended", False) and not self.answered.done():
            self.answered.set_result((self.headers, self.body))


def get_http3(port: int, *paths: str, **headers: str) -> list[Answer]:
    """GET paths of ``https://127.0.0.1:port`` over one connection: headers and body of each."""

    async def run() -> list[Answer]:
        how = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN)
        how.verify_mode, how.server_name = ssl.CERT_NONE, "localhost"
        async with connect("127.0.0.1", port, configuration=how, create_protocol=_Client) as client:
            assert isinstance(client, _Client)
            client.http = H3Connection(client._quic)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return [await client.get(f"127.0.0.1:{port}", path, named) for path in paths]

    return asyncio.run(run())
