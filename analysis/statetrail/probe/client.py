"""A client of the probe: asks for a token, holds it, uses it; knows no protocol but its dialect.

Enters: a URL and a parameter. Leaves: GET requests to that URL alone, one at a time. Redirects are
not followed, cookies are not kept.
"""

from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

from statetrail.dialects import Dialect, HeaderPresent, Param, QueryPresent
from statetrail.errors import StatetrailError
from statetrail.extract.compiled import CompiledDialect
from statetrail.extract.headers import body_coding
from statetrail.extract.records import Response
from statetrail.extract.wire_values import field_lines, header_issues, root, root_issue

_PATIENCE_S: Final = 60.0
_LARGEST: Final = 2 * 2**20


class Prober:
    """One client with at most one token.

    Parameters
    ----------
    front
        Where the recorder listens: ``http://127.0.0.1:PORT``.
    url
        What to GET there; only its path and query are used.
    dialect, param
        Of the token.
    name
        Its ``User-Agent``: the probe's clients are told apart by it.
    """

    def __init__(self, front: str, url: str, dialect: Dialect, param: Param, name: str) -> None:
        parts = urlsplit(url)
        self._path = parts.path or "/"
        self._query = parse_qsl(parts.query, keep_blank_values=True)
        self._param, self._plan = param, CompiledDialect.of(dialect)
        self._usage: str | None = None
        self.token: str | None = None
        # Identity: what a proxy decodes, it may not pass on as it came.
        headers = {"user-agent": name, "accept-encoding": "identity"}
        self._http = httpx.AsyncClient(
            base_url=front, headers=headers, timeout=_PATIENCE_S, trust_env=False
        )

    async def establish(self) -> None:
        """Get a new token. `StatetrailError` where the response has none."""
        self.token, self._usage = None, None
        await self._ask(self._param.establish)
        if self.token is None:
            raise StatetrailError(
                f"the response to a GET of {self._path} issues no {self._param.name}: name a URL "
                "of the API that does"
            )

    async def use(self) -> None:
        """Present the token; what the response issues is the token from then on."""
        await self._ask(self.token)

    async def _ask(self, value: str | None) -> None:
        headers: dict[str, str] = {}
        query = httpx.QueryParams([q for q in self._query if q[0] != self._param.name])
        for channel in self._plan.dialect.presents if value is not None else ():
            named = isinstance(channel, QueryPresent) == (self._usage == "uriquery")
            if self._usage is not None and not named:
                continue
            if isinstance(channel, HeaderPresent):
                headers[channel.prefix + self._param.name] = value or ""
            else:
                query = query.add(self._param.name, value or "")
            break
        try:
            async with self._http.stream(
                "GET", self._path, params=query, headers=headers
            ) as answer:
                body = await _beginning(answer)
        except httpx.HTTPError as error:
            # Its text may quote the URL, and the token with it.
            raise StatetrailError(
                f"the server did not answer a GET of {self._path} ({type(error).__name__})"
            ) from None
        self._learn(Response(answer.status_code, tuple(answer.headers.raw), 0, 0, body=body))

    def _learn(self, response: Response) -> None:
        lines = field_lines(response.headers)
        found = root(response.body, *body_coding(lines)) if self._plan.roots else {}
        attributes = {} if isinstance(found, str) else found
        roots = [
            root_issue(attributes[channel.attribute], self._plan, channel)
            for channel in self._plan.roots
            if channel.attribute in attributes
        ]
        for issue in (*header_issues(lines, self._plan), *roots):
            if issue.param is None:
                continue
            if issue.param.name == self._param.name and issue.state.problem is None:
                self.token, self._usage = issue.state.value, issue.state.usage

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._http.__aexit__(kind, value, traceback)


async def _beginning(answer: httpx.Response) -> bytes:
    """The body, as much of it as may tell; the rest is read and forgotten."""
    kept = bytearray()
    async for chunk in answer.aiter_raw():
        kept += chunk[: max(_LARGEST - len(kept), 0)]
    return bytes(kept)
