"""Good keys on disk, so that a control plane that starts again has them while a server is away.

Keys are public; the file is private all the same, since who can write it can have tokens accepted.
A file that cannot be read is as good as none.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lateen.base.private_files import private_folder, write_private
from lateen.jwks.source import KeySource

log = logging.getLogger(__name__)

FILE = "jwks.json"


@dataclass(frozen=True, slots=True)
class Good:
    """Keys that were fetched at a time, in seconds since 1970."""

    keys: str
    fetched: float


def load(folder: Path) -> dict[KeySource, Good]:
    try:
        entries = json.loads((folder / FILE).read_bytes())
        return dict(map(_entry, entries))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as trouble:
        log.warning("kept keys cannot be read", extra={"reason": str(trouble)})
        return {}


def save(folder: Path, known: dict[KeySource, Good]) -> None:
    entries = [
        {"uri": source.uri, "issuer": source.issuer, "keys": good.keys, "fetched": good.fetched}
        for source, good in sorted(known.items())
    ]
    try:
        write_private(private_folder(folder) / FILE, json.dumps(entries).encode())
    except OSError as trouble:
        log.warning("keys cannot be kept", extra={"reason": str(trouble)})


def _entry(entry: dict[str, Any]) -> tuple[KeySource, Good]:
    source = KeySource(str(entry["uri"]), str(entry["issuer"]))
    return source, Good(str(entry["keys"]), float(entry["fetched"]))
