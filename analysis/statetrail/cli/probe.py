"""`statetrail probe`: active probing of the one URL that the user names."""

from typing import Annotated

import typer

from statetrail.cli.options import DEFAULT_STORE, Store, argument, duration_s, option

EXTRA = "probe"
EXAMPLES = """[b]Examples[/b]

statetrail probe https://shop.example/API/V3/Cart --param zest:_session_token --budget 2h

statetrail probe http://127.0.0.1:8080/services/v3/products --param Ticket --budget 10min --width 2

statetrail probe https://shop.example/API/V3/Cart --param zest:_session_token --login ./log-in.sh"""


def command(
    url: Annotated[str, argument("URL", "The one URL that is requested.")],
    param: Annotated[
        str,
        option("--param DIALECT:PARAM", "The token, e.g. zest:_session_token.", show_default=False),
    ],
    budget: Annotated[
        str, option("--budget TIME", "Maximum duration, e.g. 90s, 10min, 2h.")
    ] = "10min",
    width: Annotated[
        float, option("--width|--to PERCENT", "Width of the interval at which to stop.")
    ] = 5.0,
    tokens: Annotated[int, option("--tokens N", "Tokens that pause in parallel.")] = 3,
    requests: Annotated[int, option("--requests N", "Maximum number of requests.")] = 500,
    first: Annotated[str, option("--first TIME", "Shortest pause of the first round.")] = "1s",
    header: Annotated[
        list[str] | None,
        option(
            "--header 'NAME: VALUE'",
            "Header field of every request, e.g. 'Authorization: Bearer …'; may be repeated. It is "
            "not logged; other users of this machine can see it while the command runs, unlike "
            "what --login prints.",
        ),
    ] = None,
    login: Annotated[
        str | None,
        option(
            "--login CMD",
            "Command that logs in, run before each token is established. It prints the header "
            "fields of that token's requests, one 'Name: value' a line, or nothing; any other exit "
            "code than 0 ends the probe.",
        ),
    ] = None,
    store: Store = DEFAULT_STORE,
) -> None:
    """Measure how long a server of your own keeps tokens alive.

    Makes GET requests to this URL only: tokens are established, pause for chosen times and are used
    again, several in parallel, until the interval is narrow enough or the budget is spent.
    Everything goes through the recorder: audit the store afterwards like any other.

    Exits with 0 if the interval is narrow enough, else with 1. An interrupt (Ctrl-C) ends the probe
    and prints the interval found so far. Probe only servers that you are
    allowed to probe.
    """
    from statetrail.cli.output.terminal import say, stdout
    from statetrail.expiry.advice import spoken
    from statetrail.probe import Settings, field, probe

    settings = Settings(
        url=url,
        param=param,
        store=store,
        budget_s=duration_s(budget),
        width=width / 100,
        tokens=tokens,
        requests=requests,
        first_s=duration_s(first),
        fields=[field(text) for text in header or ()],
        login=login,
    )
    result = probe(settings, say)
    console, row = stdout(), result.row
    effort = f"{result.rounds} rounds, {result.requests} requests: {result.stop_reason}"
    if row is None:
        console.write(f"no result; {effort}")
        raise typer.Exit(1)
    low = "0 s" if row["low_s"] is None else spoken(row["low_s"])
    if row["high_s"] is not None:
        high = f"at most {spoken(row['high_s'])}"
    else:
        high = "one end alone is no upper bound" if row["ended"] else "no end was seen"
    console.write(f"{row['param']} at {row['origin']}: policy {row['policy']}")
    console.write(f"limit: longer than {low}, {high}")
    console.write(effort)
    if not result.is_narrow:
        console.write(row["advice"])
    raise typer.Exit(0 if result.is_narrow else 1)
