"""The secrets that the agent serves, each with a version that grows when it changes.

default                 the workload's chain and key
ROOTCA                  what its peers are checked with
file-cert:CHAIN~KEY     files of this host
file-root:FILE          a file of this host; `file-root:system` is its trust store
"""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lateen.agent.messages import certificate_secret, roots_secret
from lateen.agent.workload_certificate import WorkloadCertificate

log = logging.getLogger(__name__)

WORKLOAD, ROOTS = "default", "ROOTCA"
FILE_CERTIFICATE, FILE_ROOTS = "file-cert:", "file-root:"
SYSTEM = "system"
SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
FILE_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class VersionedSecret:
    version: int
    message: bytes  # a serialized Secret


class SecretStore:
    """Owns the secrets. Watchers are woken by any change and look for themselves what is new."""

    def __init__(self) -> None:
        self._secrets: dict[str, VersionedSecret] = {}
        self._watchers: set[asyncio.Event] = set()
        self._version = 0

    def find(self, name: str) -> VersionedSecret | None:
        """The secret, if it is there yet; asking for a file begins to watch it."""
        if name not in self._secrets and _is_file(name):
            self._refresh_file(name)
        return self._secrets.get(name)

    def put(self, name: str, message: bytes) -> None:
        known = self._secrets.get(name)
        if known is not None and known.message == message:
            return
        self._version += 1
        self._secrets[name] = VersionedSecret(self._version, message)
        for watcher in self._watchers:
            watcher.set()

    def put_certificate(self, certificate: WorkloadCertificate) -> None:
        """The workload's own; its roots are the business of `trust`."""
        self.put(
            WORKLOAD,
            certificate_secret(WORKLOAD, chain=certificate.chain, key=certificate.key),
        )

    @contextmanager
    def watch(self) -> Iterator[asyncio.Event]:
        watcher = asyncio.Event()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def follow_files(self) -> None:
        """Re-reads the files that were asked for, for ever."""
        while True:
            await asyncio.sleep(FILE_POLL_SECONDS)
            for name in [name for name in self._secrets if _is_file(name)]:
                self._refresh_file(name)

    def _refresh_file(self, name: str) -> None:
        try:
            self.put(name, _read(name))
        except OSError as missing:
            log.warning("secret file not read", extra={"secret": name, "reason": str(missing)})


def _is_file(name: str) -> bool:
    return name.startswith((FILE_CERTIFICATE, FILE_ROOTS))


def _read(name: str) -> bytes:
    if name.startswith(FILE_CERTIFICATE):
        chain, _, key = name.removeprefix(FILE_CERTIFICATE).partition("~")
        return certificate_secret(name, chain=Path(chain).read_bytes(), key=Path(key).read_bytes())
    path = name.removeprefix(FILE_ROOTS)
    return roots_secret(
        name, roots=(_system_bundle() if path == SYSTEM else Path(path)).read_bytes()
    )


def _system_bundle() -> Path:
    known = (ssl.get_default_verify_paths().cafile, *SYSTEM_BUNDLES)
    for path in known:
        if path and Path(path).exists():
            return Path(path)
    raise FileNotFoundError("this host has no trust store")
