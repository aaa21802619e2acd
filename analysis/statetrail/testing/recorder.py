"""Recorders in front of services under test, and what a test asserts of the client.

Enters: services' URLs. Leaves: `Recorder`, with the URLs for the client, its recording, and
assertions. One mitmdump records a service for all tests of a process; each recording begins where
it is asked for, so that tests see their own requests only. Keys are in memory only: the pseudonyms
of a failure can be linked to no value.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from statetrail.analyses.conformance.verdicts import verdicts
from statetrail.dialects import select
from statetrail.errors import StatetrailError, StoreError, UsageError
from statetrail.proxy.blocking import recording
from statetrail.proxy.processes import START_S, last_line
from statetrail.recording.conversations import DEFAULT_GRACE_MS, grace_us
from statetrail.recording.frames import Recording, open_recording
from statetrail.rules import AUDIENCES, SEVERITIES, findings, load_profile
from statetrail.rules.profiles import DEFAULT, Profile
from statetrail.rules.rule import Audience, Severity
from statetrail.store.file_header import read_only
from statetrail.testing import failures

_MARGIN_S: Final = 0.05
"""A pause on top of the grace period: a client may be ahead of the proxy's clock by that much."""

type Row = dict[str, Any]


class Recorder:
    """One recording of what clients do with services. Made by `Recorders.front`.

    Attributes
    ----------
    urls
        What clients talk to instead of each service.
    ca
        The certificate authority that signs for the ``https`` ones, a PEM file.
    store
        The file that is recorded into; other recordings of this process are in it, too.
    """

    def __init__(
        self,
        urls: tuple[str, ...],
        ca: Path,
        store: Path,
        *,
        grace_ms: float,
        dialects: str,
        client_by: Sequence[str] | str | None,
    ) -> None:
        self.urls = urls
        self.ca = ca
        self.store = store
        self._options = {"grace_ms": grace_ms, "dialects": dialects, "client_by": client_by}
        self._grace_s = grace_us(grace_ms) / 1_000_000
        self._since = (_last_exchange(store), time.time_ns() // 1000)

    @property
    def url(self) -> str:
        """What clients talk to instead of the first service."""
        return self.urls[0]

    @property
    def rec(self) -> Recording:
        """The recording so far: its frames, and what ``statetrail.verdicts`` and others take."""
        # Small frames: a query planner would take longer to plan than to run.
        rec = open_recording(self.store, engine="pandas", **self._options)  # type: ignore[arg-type]
        return rec.changed(self._later)

    def _later(self, tables: Mapping[str, pa.Table]) -> Mapping[str, pa.Table]:
        """The rows of exchanges that began in this recording."""
        last, start_us = self._since
        exchanges = tables["exchanges"]
        later = pc.and_(
            pc.greater(exchanges["exchange_id"], last),
            pc.greater_equal(exchanges["request_start_us"], start_us),
        )
        ids = exchanges.filter(later)["exchange_id"].combine_chunks()
        return {
            name: rows.filter(pc.is_in(rows["exchange_id"], ids))
            if "exchange_id" in rows.column_names
            else rows
            for name, rows in tables.items()
        }

    def settle(self) -> None:
        """Wait until all that was issued so far has to be known (the grace period).

        Whatever is sent within the grace period of a response may be judged by neither the old nor
        the new state.
        """
        if self._grace_s:
            time.sleep(self._grace_s + _MARGIN_S)

    def assert_obeys(self, client: str | None = None) -> None:
        """Fail if a client ignored state that it had been sent, or if there was nothing to judge.

        Parameters
        ----------
        client
            Only clients with this in their name (address and user agent).
        """
        __tracebackhide__ = True
        rec = self.rec
        rows = self._verdicts(rec, client)
        if faults := [row for row in rows if row["fault"]]:
            raise AssertionError(failures.disobeys(rec, rows, faults))
        if not any(row["verdict"] == "honoured" for row in rows):
            raise AssertionError(failures.nothing_judged(rec, rows, self._grace_s))

    def assert_presents(self, param: str, client: str | None = None) -> None:
        """Fail if a request lacks a parameter that it has to present, or has it wrong.

        That is every request after the issue that the parameter binds; see the pages of the
        verdicts. Fails as well if no request had to present it.
        """
        __tracebackhide__ = True
        rec = self.rec
        rows = [row for row in self._verdicts(rec, client) if row["param"] == param]
        if faults := [row for row in rows if row["fault"]]:
            raise AssertionError(failures.lacks(rec, param, rows, faults))
        if not any(row["verdict"] == "honoured" for row in rows):
            raise AssertionError(failures.never_due(rec, param, rows, self._grace_s))

    def assert_no_findings(
        self,
        severity: Severity = "low",
        *,
        audience: Audience | None = None,
        ignore: Collection[str] = (),
        profile: Profile | Path | str = DEFAULT,
    ) -> None:
        """Fail if a rule has a finding of this severity or a higher one.

        Parameters
        ----------
        audience
            Only findings for ``client``, ``api``, ``security`` or ``capture``; for all by default.
        ignore
            Ids of rules to leave out.
        profile
            The limits of some rules, as for `statetrail.audit`.

        Raises
        ------
        UsageError
            A severity, audience, rule or profile is unknown.
        """
        __tracebackhide__ = True
        failures.check_choice("severity", severity, SEVERITIES)
        if audience is not None:
            failures.check_choice("audience", audience, AUDIENCES)
        failures.check_rules(ignore)
        rec = self.rec
        self._check_requests(rec)
        limits = profile if isinstance(profile, Profile) else load_profile(profile)
        severe = SEVERITIES[SEVERITIES.index(severity) :]
        found = [
            row
            for row in findings(rec, limits).rows()
            if row["severity"] in severe
            and audience in (None, row["audience"])
            and row["rule"] not in ignore
        ]
        if found:
            found.sort(key=lambda row: -SEVERITIES.index(row["severity"]))
            raise AssertionError(failures.found(rec, severity, found))

    def _verdicts(self, rec: Recording, client: str | None) -> list[Row]:
        __tracebackhide__ = True
        self._check_requests(rec)
        rows = verdicts(rec).rows()
        if client is not None:
            names = rec.exchanges_with_client().select("client").unique().collect("pyarrow")
            known = names["client"].to_list()
            if not any(client in name for name in known):
                raise AssertionError(failures.no_client(client, known))
            rows = [row for row in rows if client in row["client"]]
        return rows

    def _check_requests(self, rec: Recording) -> None:
        __tracebackhide__ = True
        if not rec.exchanges.to_arrow().num_rows:
            raise AssertionError(
                f"no request came through the recorder: the client has to use {self.url}"
            )


class Recorders:
    """The recorders of one process, by service; a context manager that ends them all.

    Parameters
    ----------
    folder
        An empty folder for stores, logs and the certificate authority.
    grace_ms, dialects
        The defaults of `front`.
    """

    def __init__(
        self, folder: Path, *, grace_ms: float = DEFAULT_GRACE_MS, dialects: str = "all"
    ) -> None:
        self._folder = folder
        self._grace_ms = grace_ms
        self._dialects = dialects
        self._running: dict[object, tuple[list[int], Path]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.clear()
        self._stack.close()

    @contextmanager
    def separate(self) -> Iterator["Recorders"]:
        """Recorders that share nothing with these but their settings and the authority."""
        with type(self)(self._folder, grace_ms=self._grace_ms, dialects=self._dialects) as others:
            yield others

    def front(
        self,
        *services: str,
        tls: bool = False,
        grace_ms: float | None = None,
        dialects: str | None = None,
        client_by: Sequence[str] | str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Recorder:
        """Begin a recording in front of services, through a mitmdump that is started if need be.

        Parameters
        ----------
        services
            Their URLs, such as ``http://127.0.0.1:8000`` or ``https://127.0.0.1:8443/base``.
        tls
            Let clients use ``https`` also to a service that has ``http``.
        grace_ms
            How long after a response its client may use older state. 0 is right where a client
            sends one request at a time, and then every request is judged.
        dialects
            The dialects to record and judge by: names or TOML files, comma separated.
        client_by
            What tells clients apart, as for `statetrail.open`.
        options
            Further options of mitmproxy. A service on this machine gets the client's ``Host``, so
            that its redirects stay with the recorder, and may have any certificate.

        Raises
        ------
        UsageError
            A URL or an option is invalid.
        StatetrailError
            mitmdump did not start.
        """
        targets = [_target(service) for service in services]
        if not targets:
            raise UsageError("a recorder needs the URL of a service, e.g. http://127.0.0.1:8000")
        dialects = self._dialects if dialects is None else dialects
        select(dialects)
        chosen = {"statetrail_dialects": dialects, **(options or {})}
        if all(_is_own_machine(host) for _, _, host in targets):
            chosen = {"keep_host_header": "true", "ssl_insecure": "true"} | chosen
        ports, store = self._start(tuple(upstream for upstream, _, _ in targets), chosen)
        urls = tuple(
            f"{'https' if tls or upstream.startswith('https') else 'http'}://127.0.0.1:{port}{path}"
            for (upstream, path, _), port in zip(targets, ports, strict=True)
        )
        return Recorder(
            urls,
            self._folder / "authority" / "mitmproxy-ca-cert.pem",
            store,
            grace_ms=self._grace_ms if grace_ms is None else grace_ms,
            dialects=dialects,
            client_by=client_by,
        )

    def _start(
        self, upstreams: tuple[str, ...], options: Mapping[str, str]
    ) -> tuple[list[int], Path]:
        key = (upstreams, frozenset(options.items()))
        if key not in self._running:
            number = sum(1 for _ in self._folder.glob("*.log"))
            store, log = (self._folder / f"{number}{end}" for end in (".sqlite", ".log"))
            all_options = {
                "statetrail_store": str(store),
                "statetrail_forget_key": "on",
                "confdir": str(self._folder / "authority"),
                **options,
            }
            ports = self._stack.enter_context(recording(upstreams, all_options, log))
            _wait_until_loaded(store, log)
            self._running[key] = (ports, store)
        return self._running[key]


def grace_setting(text: str) -> float:
    """A grace period of a configuration file in milliseconds. Raises `UsageError`."""
    try:
        grace_us(value := float(text))
    except ValueError:
        raise UsageError(f"statetrail_grace_ms is {text!r}: give it in milliseconds") from None
    return value


def _target(service: str) -> tuple[str, str, str]:
    """The origin of a service, the path in front of its resources, and its host."""
    try:
        url = urlsplit(service)
        valid = url.scheme in ("http", "https") and url.hostname and not (url.query or url.username)
        origin = f"{url.scheme}://{url.netloc}"
        _ = url.port
    except ValueError:
        valid = False
    if not valid:
        raise UsageError("a service is a URL with a scheme and a host, e.g. http://127.0.0.1:8000")
    return origin, url.path.rstrip("/"), url.hostname or ""


def _is_own_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _wait_until_loaded(store: Path, log: Path) -> None:
    """Wait until the recorder has made its store: mitmproxy opens its ports first."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            _last_exchange(store)
        except StoreError:
            if time.monotonic() > deadline:
                raise StatetrailError(
                    f"the recorder did not start in mitmdump: {last_line(log)}"
                ) from None
            time.sleep(0.02)
        else:
            return


def _last_exchange(store: Path) -> int:
    with read_only(store) as db:
        last: int | None = db.execute("SELECT max(exchange_id) FROM exchanges").get
    return last or 0
