"""Which leaves are out: a line for each, so that those of an evicted workload can be revoked.

    {"identity": "spiffe://...", "serial": "...", "issuer": "<id>", "ends": 1800000000}

Lines reach the kernel before the leaf is handed out, so that they survive the end of this process;
a machine that loses power may lose the last of them. Leaves that have ended are forgotten.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lateen.base.private_files import write_private

log = logging.getLogger(__name__)

FILE = "issued.jsonl"
REWRITE_FROM = 1000  # lines; then whenever half of them have ended


@dataclass(frozen=True, slots=True)
class IssuedLeaf:
    identity: str
    serial: str  # hexadecimal
    issuer: str  # id of the certificate that signed it
    ends: float


class IssuedLeaves:
    """Owns the file."""

    def __init__(self, folder: Path, *, now: float) -> None:
        self._path = folder / FILE
        self._leaves = [leaf for leaf in _read(self._path) if leaf.ends > now]
        self._rewrite()

    def close(self) -> None:
        os.close(self._file)

    def add(self, leaf: IssuedLeaf, *, now: float) -> None:
        self._leaves.append(leaf)
        os.write(self._file, _line(leaf))
        if len(self._leaves) >= self._rewrite_at:
            self._leaves = [known for known in self._leaves if known.ends > now]
            os.close(self._file)
            self._rewrite()

    def forget(self, issuer: str) -> None:
        """Leaves of an issuer that nobody trusts any more."""
        self._leaves = [leaf for leaf in self._leaves if leaf.issuer != issuer]
        os.close(self._file)
        self._rewrite()

    def live(self, now: float) -> Iterator[IssuedLeaf]:
        return (leaf for leaf in self._leaves if leaf.ends > now)

    def end_of(self, identity: str, *, now: float) -> float:
        """When the last live leaf of an identity ends; now if there is none."""
        return max((leaf.ends for leaf in self.live(now) if leaf.identity == identity), default=now)

    def _rewrite(self) -> None:
        write_private(self._path, b"".join(map(_line, self._leaves)))
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._rewrite_at = max(REWRITE_FROM, 2 * len(self._leaves))


def _line(leaf: IssuedLeaf) -> bytes:
    return json.dumps(asdict(leaf), separators=(",", ":")).encode() + b"\n"


def _read(path: Path) -> Iterator[IssuedLeaf]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield IssuedLeaf(**json.loads(line))
        except (ValueError, TypeError):  # the end of the file, cut off by a crash
            log.warning("line of %s is not readable", path)
