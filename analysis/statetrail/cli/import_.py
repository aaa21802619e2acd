"""`statetrail import`: captures of any format into a store."""

from pathlib import Path
from typing import Annotated, Final

import typer

from statetrail.cli import options
from statetrail.cli.options import argument

INTERRUPTED: Final = 130
"""The exit code of what Ctrl-C ended, as shells have it."""

EXAMPLES = """[b]Examples[/b]

statetrail import shop.har --store shop.sqlite

statetrail import monday.flows tuesday.har.gz --store week.sqlite --client-header X-Device-Id

statetrail import captures/ 'exports/*.har' --store all.sqlite"""


def command(
    files: Annotated[
        list[Path],
        argument(
            "FILE",
            "Captures of browsers, proxies and test tools, recognised by content, also packed; or "
            "folders and patterns of them.",
        ),
    ],
    store: options.Store = options.DEFAULT_STORE,
    key: options.Key = None,
    forget_key: options.ForgetKey = False,
    clear: options.Clear = "",
    client_header: options.ClientHeader = None,
    dialects: options.Dialects = "all",
) -> None:
    """Import captures into a store.

    Importing a file again adds nothing. Of a truncated file the complete entries are imported;
    what is missing is printed and noted in the store. Ctrl-C keeps what was imported.
    """
    from statetrail.cli.output.terminal import progress, say, stdout
    from statetrail.dialects import select
    from statetrail.extract.extractor import ExtractorConfig
    from statetrail.ingest.captures import capture_files, captures_in
    from statetrail.ingest.importer import import_files
    from statetrail.store import keys
    from statetrail.store.sqlite import SqliteStore

    selection = select(dialects)
    params, header = options.cleared(clear, selection), options.field_name(client_header)
    found = capture_files(files)
    for path in found.files:
        captures_in(path)  # no store is made for files that are no captures
    for reason in found.others:
        say(f"{reason}; left out")
    with SqliteStore.create_or_open(store, key=key, keep_key=not forget_key) as opened:
        if forget_key:
            keys.forget_key(opened.path)
        with progress() as bar:
            task = bar.add_task("")

            def report(path: Path, read: int, size: int) -> None:
                bar.update(task, description=path.name[:40], completed=read, total=size)

            config = ExtractorConfig(selection, opened.fingerprinter, params, header)
            imports = import_files(found.files, opened, config, report)
    console = stdout()
    for one in imports:
        counts = f"{one.exchanges:,} exchange{'s' if one.exchanges != 1 else ''}"
        if one.duplicates:
            counts += f", {one.duplicates:,} already in the store"
        console.write(f"{one.path}: {counts}")
        if one.problem:
            say(f"{one.path}: {one.problem}")
    if any(one.stopped for one in imports):
        say("stopped: what was imported stays in the store; import again to add the rest")
        raise typer.Exit(INTERRUPTED)
