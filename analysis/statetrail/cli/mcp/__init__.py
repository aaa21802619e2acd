"""`statetrail mcp`: a recording for an assistant, by the Model Context Protocol."""

from statetrail.cli import options

EXTRA = "mcp"
EXAMPLES = """[b]Examples[/b]

statetrail mcp shop.sqlite

claude mcp add shop -- statetrail mcp /data/shop.sqlite"""


def command(
    stores: options.Stores,
    client_by: options.ClientBy = None,
    grace: options.Grace = options.DEFAULT_GRACE,
    dialects: options.Dialects = "all",
    profile: options.ProfileName = "nist-aal2",
    suppress: options.Suppress = None,
) -> None:
    """Answer an assistant's questions about one or many stores.

    The assistant starts this command as a server of the Model Context Protocol, and speaks with it
    over standard input and output. Its tools give the audit, findings, tables, sessions, single
    exchanges and explanations. Stores are only read, secret values are pseudonyms, and each answer
    is bounded. Clients are named as in a report, by address and user agent: use an assistant that
    may know them.
    """
    from statetrail.cli.mcp.answers import Answers
    from statetrail.cli.mcp.server import serve

    limits, entries = options.load_criteria(profile, suppress)

    def answers() -> Answers:
        rec = options.open_stores(stores, client_by, grace, dialects)
        return Answers(rec, limits, entries)

    serve(answers)
