"""`statetrail probe`: chosen pauses against a server that the user names."""

import re
from typing import Annotated, Final

import typer

from statetrail.cli.options import DEFAULT_STORE, Store
from statetrail.errors import UsageError

EXAMPLES = """[b]Examples[/b]

statetrail probe https://shop.example/API/V3/Cart --param zest:_session_token --budget 2h

statetrail probe http://127.0.0.1:8080/services/v3/products --param Ticket --budget 10min --to 2"""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)")


def command(
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False)],
    param: Annotated[
        str,
        typer.Option(
            "--param",
            metavar="DIALECT:PARAM",
            help="The token, e.g. zest:_session_token.",
            show_default=False,
        ),
    ],
    budget: Annotated[
        str,
        typer.Option("--budget", metavar="TIME", help="How long at most, e.g. 90s, 10min, 2h."),
    ] = "10min",
    to: Annotated[
        float,
        typer.Option("--to", metavar="PERCENT", help="Width of the interval that is enough."),
    ] = 5.0,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", help="Tokens that rest side by side.")
    ] = 3,
    requests: Annotated[
        int, typer.Option("--requests", metavar="N", help="No more requests than these.")
    ] = 500,
    first: Annotated[
        str, typer.Option("--first", metavar="TIME", help="Shortest pause of the first round.")
    ] = "1s",
    store: Store = DEFAULT_STORE,
) -> None:
    """Ask a server of your own how long it keeps tokens alive.

    Makes GET requests to that URL alone: tokens are established, rest for chosen times and are used
    again, several side by side, until the interval is as narrow as asked or the budget is spent.
    Everything goes through the recorder: audit the store afterwards as any other.

    Exits with 0 if the interval is as narrow as asked, else with 1. Probe only what you may.
    """
    from statetrail.cli.terminal import say, stdout, text
    from statetrail.expiry.advice import spoken
    from statetrail.probe import Settings, probe

    settings = Settings(
        url=url,
        param=param,
        store=store,
        budget_s=_seconds(budget),
        width=to / 100,
        tokens=tokens,
        requests=requests,
        first_s=_seconds(first),
    )
    found = probe(settings, say)
    console, row = stdout(), found.row
    made = f"{found.rounds} rounds, {found.requests} requests: {found.ended}"
    if row is None:
        console.print(text(f"nothing was found out; {made}"))
        raise typer.Exit(1)
    low = "0 s" if row["low_s"] is None else spoken(row["low_s"])
    high = "no end was seen" if row["high_s"] is None else f"at most {spoken(row['high_s'])}"
    console.print(text(f"{row['param']} at {row['origin']}: policy {row['policy']}"))
    console.print(text(f"limit: longer than {low}, {high}"))
    console.print(text(made))
    if not found.narrow:
        console.print(text(row["advice"]))
    raise typer.Exit(0 if found.narrow else 1)


def _seconds(span: str) -> float:
    """A span of time in seconds.

    >>> _seconds("90s"), _seconds("1.5 h")
    (90.0, 5400.0)
    """
    if (match := _SPAN.fullmatch(span.strip())) is None:
        raise UsageError(f"{span!r} is no time: write e.g. 90s, 10min, 2h")
    return float(match[1]) * _UNITS[match[2]]
