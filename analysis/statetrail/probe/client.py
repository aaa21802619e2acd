"""A client of the probe: establishes a token, holds it, uses it, as its dialect says.

Enters: a URL and a parameter. Leaves: GET requests to this URL only, one at a time. Redirects are
not followed, cookies are not kept. A client establishes one token in its life and presents all
other state as well that it is issued, so that an audit finds nothing to blame it for.
"""

import contextlib
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from statetrail.dialects import Param
from statetrail.dialects.grammar import StateValue
from statetrail.dialects.model import IMPLICIT
from statetrail.dialects.place import Outgoing
from statetrail.dialects.wire import BodyError, FieldLines
from statetrail.errors import StatetrailError
from statetrail.extract.bodies import BodyBeginning
from statetrail.extract.headers import body_coding
from statetrail.extract.wire_values import (
    CompiledDialect,
    body_values,
    field_lines,
    issued_in_body,
    issued_in_fields,
)
from statetrail.probe.login import Field

_TIMEOUT_S: Final = 60.0
_MAX_BODY: Final = 2 * 2**20
_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The recorder listens without TLS. This trusts nobody; reading whom to trust takes long."""


class Prober:
    """One client with at most one token.

    `front` is where the recorder listens (``http://127.0.0.1:PORT``); of `url` only path and query
    are used; `name` is its ``User-Agent``; `fields` are further header fields of every request. The
    caller closes its connections, `http`.
    """

    def __init__(
        self,
        front: str,
        url: str,
        compiled: CompiledDialect,
        param: Param,
        name: str,
        fields: Sequence[Field] = (),
    ) -> None:
        parts = urlsplit(url)
        self._path = parts.path or "/"
        self._query = parse_qsl(parts.query, keep_blank_values=True)
        self._param, self._compiled = param, compiled
        self._held: dict[str, StateValue] = {}
        # Identity: a proxy may change a body that it decodes.
        own = [("user-agent", name), ("accept-encoding", "identity")]
        self.http = httpx.AsyncClient(
            base_url=front,
            headers=[
                (name.encode("ascii"), value.encode("latin-1")) for name, value in (*own, *fields)
            ],
            timeout=_TIMEOUT_S,
            trust_env=False,
            verify=_NO_TLS,
        )

    @property
    def token(self) -> str | None:
        """The token that it holds."""
        held = self._held.get(self._param.name)
        return None if held is None else held.value

    async def establish(self) -> None:
        """Get a token. Raises `StatetrailError` if the response has none."""
        await self._get(self._param.establish)
        if self.token is None:
            raise StatetrailError(
                f"the response to a GET of {self._path} issues no {self._param.name}: name a URL "
                "of the API that does"
            )

    async def use(self) -> None:
        """Present the token; a token that the response issues replaces it."""
        await self._get(self.token)

    async def _get(self, token: str | None) -> None:
        request = self._request(token)
        try:
            async with self.http.stream(
                "GET",
                self._path,
                params=httpx.QueryParams([*request.query]),
                headers=request.fields,
            ) as response:
                body = await _beginning(response)
        except httpx.HTTPError as error:
            # Its message may quote the URL, and the token with it.
            raise StatetrailError(
                f"the server did not answer a GET of {self._path} ({type(error).__name__})"
            ) from None
        self._adopt(field_lines(tuple(response.headers.raw)), body)

    def _request(self, token: str | None) -> Outgoing:
        """The next request, with the token and all else that it holds and may present here."""
        dialect, probed = self._compiled.dialect, self._param.name
        values = {name: (held.value, held.usage) for name, held in self._held.items()}
        values.pop(probed, None)
        if token is not None:
            usage = self._held[probed].usage if probed in self._held else None
            values[probed] = token, usage
        query = [each for each in self._query if each[0] not in {probed, *values}]
        request = Outgoing({}, query)
        for name, (value, usage) in values.items():
            places = dialect.presented_at(name)
            if (
                usage != IMPLICIT
                and places
                and (name == probed or dialect.allows(name, self._path))
            ):
                place = next((each for each in places if each.channel == usage), places[0])
                place.write(name, value, request)
        return request

    def _adopt(self, lines: FieldLines, body: bytes) -> None:
        """Take over what a response issues."""
        issued = list(issued_in_fields(lines, self._compiled))
        with contextlib.suppress(BodyError):
            if body:
                values = body_values(BodyBeginning(body, *body_coding(lines)), self._compiled)
                issued += issued_in_body(values, self._compiled)
        for issue in issued:
            if issue.name is not None and issue.state.problem is None:
                self._held[issue.name] = issue.state  # an empty value ends it
        self._held = {name: held for name, held in self._held.items() if held.value}


async def _beginning(response: httpx.Response) -> bytes:
    """The beginning of the body; the rest is read and dropped."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk[: max(_MAX_BODY - len(body), 0)]
    return bytes(body)
