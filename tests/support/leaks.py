"""Looking for secrets where none may be: in plain, URL-encoded, base64 and escaped form.

Base64 of a longer text that contains the secret has one of three alignments; of each the part that
depends on the secret alone is looked for.
"""

import base64
import html
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret may have been written down."""
    raw = secret.encode()
    texts = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        secret.replace("/", "\\/"),
        raw.hex(),
    }
    encoded = {text.encode() for text in texts} | {secret.encode("utf-16-le")}
    for before in range(3):
        # Six bits a character: those that hold bits of what stands before or after are left out.
        whole = base64.b64encode(b"\0" * before + raw)
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        encoded |= {whole[first:last], whole[first:last].translate(bytes.maketrans(b"+/", b"-_"))}
    return encoded


def leaks(secrets: Iterable[str], files: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Every file and secret (shortened) that was found in it."""
    contents = {path: path.read_bytes() for path in files}
    for secret in secrets:
        for form in forms(secret):
            for path, content in contents.items():
                if form in content:
                    yield path.name, f"{secret[:2]}… of {len(secret)}"
