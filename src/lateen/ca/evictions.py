"""Identities that get no more certificates and no connection, until they are let in again.

Kept in `evicted.json` beside the authority: {"spiffe://...": seconds since 1970}.
"""

import json
from pathlib import Path

from lateen.base.private_files import write_private
from lateen.ca.errors import AuthorityError

FILE = "evicted.json"


class Evictions:
    """Owns the file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._since = _read(self._path)

    def __contains__(self, identity: object) -> bool:
        return str(identity) in self._since

    def __bool__(self) -> bool:
        return bool(self._since)

    def as_json(self) -> dict[str, float]:
        return dict(sorted(self._since.items()))

    def add(self, identity: str, *, now: float) -> None:
        self._since.setdefault(identity, now)
        self._write()

    def remove(self, identity: str) -> None:
        if identity not in self._since:
            raise AuthorityError(f"{identity} is not evicted; lateen ca status lists those")
        del self._since[identity]
        self._write()

    def _write(self) -> None:
        write_private(self._path, json.dumps(self._since, indent=1, sort_keys=True).encode())


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_bytes())
        return {str(identity): float(since) for identity, since in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as wrong:
        raise AuthorityError(f"{path} cannot be read: {wrong}") from wrong
