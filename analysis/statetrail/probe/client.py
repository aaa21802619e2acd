"""A client of the probe: establishes a token, holds it, uses it, as its dialect says.

Enters: a URL and a parameter. Leaves: GET requests to this URL only, one at a time. Redirects are
not followed, cookies are not kept.
"""

import contextlib
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from statetrail.dialects import Dialect, Param
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

_TIMEOUT_S: Final = 60.0
_MAX_BODY: Final = 2 * 2**20


class Prober:
    """One client with at most one token.

    `front` is where the recorder listens (``http://127.0.0.1:PORT``); of `url` only path and query
    are used; `name` is its ``User-Agent``. The caller closes its connections, `http`.
    """

    def __init__(self, front: str, url: str, dialect: Dialect, param: Param, name: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path or "/"
        self._query = parse_qsl(parts.query, keep_blank_values=True)
        self._param, self._compiled = param, CompiledDialect(dialect)
        self._usage: str | None = None
        self.token: str | None = None
        # Identity: a proxy may change a body that it decodes.
        headers = {"user-agent": name, "accept-encoding": "identity"}
        self.http = httpx.AsyncClient(
            base_url=front, headers=headers, timeout=_TIMEOUT_S, trust_env=False
        )

    async def establish(self) -> None:
        """Get a new token. Raises `StatetrailError` if the response has none."""
        self.token, self._usage = None, None
        await self._get(self._param.establish)
        if self.token is None:
            raise StatetrailError(
                f"the response to a GET of {self._path} issues no {self._param.name}: name a URL "
                "of the API that does"
            )

    async def use(self) -> None:
        """Present the token; a token that the response issues replaces it."""
        await self._get(self.token)

    async def _get(self, value: str | None) -> None:
        request = Outgoing({}, [each for each in self._query if each[0] != self._param.name])
        if value is not None:
            places = self._compiled.dialect.presented_at(self._param.name)
            place = next((each for each in places if each.channel == self._usage), places[0])
            place.write(self._param.name, value, request)
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

    def _adopt(self, lines: FieldLines, body: bytes) -> None:
        """Take over the token that a response issues, if any."""
        issued = list(issued_in_fields(lines, self._compiled))
        with contextlib.suppress(BodyError):
            if body:
                values = body_values(BodyBeginning(body, *body_coding(lines)), self._compiled)
                issued += issued_in_body(values, self._compiled)
        for issue in issued:
            if issue.param == self._param and issue.state.problem is None:
                self.token, self._usage = issue.state.value, issue.state.usage


async def _beginning(response: httpx.Response) -> bytes:
    """The beginning of the body; the rest is read and dropped."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk[: max(_MAX_BODY - len(body), 0)]
    return bytes(body)
