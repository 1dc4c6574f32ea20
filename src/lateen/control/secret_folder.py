"""Gateway certificates from a folder, as `--secrets DIR`; they become Secrets of their namespaces.

    DIR/<namespace>/<name>/tls.crt  tls.key  ca.crt  ...     keys of a Kubernetes Secret

Looked at every second, so that mounted volumes and remote file systems are followed too. Names that
begin with a dot are left aside. What cannot be used keeps its last good version and is reported:
a private key that everybody on the machine may read is no secret, and is not used.
"""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from lateen.api.kubernetes.config import Secret
from lateen.api.resource import Change, Key, ObjectMeta, Resource
from lateen.base.problem import Origin, Problem
from lateen.config.folder import Batch
from lateen.identity import spiffe

KIND = "Secret"
LOOK_SECONDS = 1.0
LARGEST_FILE = 1024 * 1024  # as a Secret of Kubernetes
MOST_SECRETS = 5000
PRIVATE = ("tls.key", "key")
CODE = "secret-folder"
Stamp = tuple[tuple[str, int, int, int, int], ...]


class Unusable(Exception):
    """Why a folder is no secret at the moment; becomes a Problem."""


@dataclass(frozen=True, slots=True)
class _Held:
    stamp: Stamp
    resource: Resource[Secret] | None
    problem: Problem | None


class SecretFolder:
    """Owns what it has read. The first batch is everything that is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[Key, _Held] = {}

    async def batches(self) -> AsyncIterator[Batch]:
        told: tuple[Problem, ...] | None = None
        while True:  # as long as the control plane runs
            changes, problems = await asyncio.to_thread(self._look)
            if changes or problems != told:
                yield Batch(changes, problems)
                told = problems
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> tuple[tuple[Change, ...], tuple[Problem, ...]]:
        """In a thread, which alone uses what is held."""
        try:
            found = dict(self._places())
        except OSError as trouble:
            message = f"cannot be read: {trouble.strerror}; what is known of it is kept"
            return (), (Problem(CODE, message, file=str(self._folder)),)
        changes = [Change(key, None) for key in self._held.keys() - found.keys()]
        for change in changes:
            del self._held[change.key]
        for key, path in found.items():
            change_of = self._read_again(key, path)
            if change_of is not None:
                changes.append(change_of)
        problems = (held.problem for _, held in sorted(self._held.items()))
        return tuple(changes), tuple(problem for problem in problems if problem is not None)

    def _places(self) -> Iterator[tuple[Key, Path]]:
        for namespace in _folders(self._folder):
            for path in _folders(namespace):
                if spiffe.NAMESPACE.fullmatch(namespace.name):
                    yield Key(KIND, namespace.name, path.name), path

    def _read_again(self, key: Key, path: Path) -> Change | None:
        before = self._held.get(key)
        good = before.resource if before is not None else None
        stamp: Stamp = ()
        try:
            files = sorted(item for item in path.iterdir() if not item.name.startswith("."))
            stamp = tuple(_stamp(file) for file in files)
            if before is not None and before.stamp == stamp:
                return None
            if before is None and len(self._held) >= MOST_SECRETS:
                raise Unusable(f"there are more than {MOST_SECRETS} secrets")
            made = _resource(key, path, {file.name: _content(file) for file in files})
        except (OSError, Unusable) as trouble:
            why = trouble.strerror if isinstance(trouble, OSError) else str(trouble)
            problem = Problem(CODE, str(why), resource=str(key), file=str(path))
            self._held[key] = _Held(stamp, good, problem)
            return None
        self._held[key] = _Held(stamp, made, None)
        return None if made == good else Change(key, made)


def _folders(path: Path) -> list[Path]:
    return sorted(item for item in path.iterdir() if item.is_dir() and item.name[0] != ".")


def _stamp(file: Path) -> tuple[str, int, int, int, int]:
    status = file.stat()
    return file.name, status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _content(file: Path) -> bytes:
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Unusable(f"{file.name} is not a file")
    if status.st_size > LARGEST_FILE:
        raise Unusable(f"{file.name} is larger than {LARGEST_FILE} bytes")
    if file.name in PRIVATE and status.st_mode & stat.S_IROTH:
        raise Unusable(f"{file.name} can be read by everybody; chmod 600 it")
    return file.read_bytes()


def _resource(key: Key, path: Path, content: dict[str, bytes]) -> Resource[Secret]:
    return Resource(
        kind=KIND,
        api_version="v1",
        meta=ObjectMeta(name=key.name, namespace=key.namespace),
        spec=Secret(data=content),
        origin=Origin(str(path), 1),
    )
