"""Gateway certificates from the KV engine (version 2) of OpenBao or HashiCorp Vault.

`--vault-secrets FILE`:

    address: https://bao.example:8200
    caFile: bao-ca.pem                   # default: the system's roots; relative to this file
    auth: {method: approle, roleId: gateways, secretIdFile: secret-id}      # as for the authority
    mount: secret                        # of the engine
    path: mesh                           # below it: <path>/<namespace>/<name>
    refreshSeconds: 30

A secret's fields are the keys of a Kubernetes Secret: `tls.crt`, `tls.key`, `ca.crt`. The policy
needs `list` on MOUNT/metadata/PATH/* and `read` on MOUNT/data/PATH/*, nothing else. While the
server does not answer, what it said last stays in force and is reported.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from lateen.api.kubernetes.config import Secret
from lateen.api.resource import Change, Key, ObjectMeta, Resource
from lateen.base.clock import Clock
from lateen.base.problem import Origin, Problem, Severity
from lateen.ca.errors import AuthorityError
from lateen.ca.remote import RemoteServer, Reply, said
from lateen.ca.section import Section
from lateen.ca.vault import VaultAuth, VaultLogin, VaultOptions
from lateen.config.folder import Batch
from lateen.identity import spiffe

log = logging.getLogger(__name__)

KIND = "Secret"
CODE = "vault-secrets"
FORBIDDEN, NOT_FOUND = 403, 404
LEAST_REFRESH_SECONDS = 1.0
MOST_SECRETS = 5000


class VaultSecretsOptions(Section, frozen=True, kw_only=True):
    address: str
    auth: VaultAuth
    mount: str = "secret"
    path: str = "mesh"
    ca_file: str = ""
    namespace: str = ""  # of Vault or OpenBao, not of Kubernetes
    refresh_seconds: float = 30.0
    timeout_seconds: float = 10.0


def read(path: Path) -> VaultSecretsOptions:
    """AuthorityError, with what to mend, for a file that cannot be used."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text()), VaultSecretsOptions, strict=False)
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    except (ValueError, yaml.YAMLError) as wrong:
        raise AuthorityError(f"{path}: {wrong}") from wrong

    def beside(name: str) -> str:
        return str(path.parent / name) if name else ""

    auth = msgspec.structs.replace(
        found.auth,
        token_file=beside(found.auth.token_file),
        secret_id_file=beside(found.auth.secret_id_file),
    )
    return msgspec.structs.replace(found, auth=auth, ca_file=beside(found.ca_file))


class VaultSecrets:
    """Owns what the server said last. The first batch comes even when it says nothing."""

    def __init__(self, options: VaultSecretsOptions, clock: Clock) -> None:
        self._options = options
        self._server = RemoteServer(
            options.address, ca_file=options.ca_file, timeout_seconds=options.timeout_seconds
        )
        login = VaultOptions(
            address=options.address, role="", auth=options.auth, namespace=options.namespace
        )
        self._login = VaultLogin(self._server, login, clock)
        self._held: dict[Key, Resource[Secret]] = {}

    async def batches(self) -> AsyncIterator[Batch]:
        told: tuple[Problem, ...] | None = None
        while True:  # as long as the control plane runs
            changes: tuple[Change, ...] = ()
            problems: tuple[Problem, ...] = ()
            try:
                changes = self._changes(await self._asked())
            except AuthorityError as trouble:
                problems = (self._trouble(str(trouble)),)
            if changes or problems != told:
                yield Batch(changes, problems)
                told = problems
            await asyncio.sleep(max(LEAST_REFRESH_SECONDS, self._options.refresh_seconds))

    def _changes(self, found: dict[Key, Resource[Secret]]) -> tuple[Change, ...]:
        gone = [Change(key, None) for key in self._held.keys() - found.keys()]
        new = [Change(key, made) for key, made in found.items() if self._held.get(key) != made]
        self._held = found
        return (*gone, *new)

    def _trouble(self, reason: str) -> Problem:
        return Problem(
            CODE,
            f"{reason}; {len(self._held)} secrets that it gave before stay in force",
            Severity.WARNING,
            file=self._options.address,
        )

    async def _asked(self) -> dict[Key, Resource[Secret]]:
        found: dict[Key, Resource[Secret]] = {}
        for namespace in await self._listed(""):
            if not namespace.endswith("/") or not spiffe.NAMESPACE.fullmatch(namespace[:-1]):
                continue
            for name in await self._listed(namespace):
                if name.endswith("/"):
                    continue
                if len(found) >= MOST_SECRETS:
                    raise AuthorityError(f"there are more than {MOST_SECRETS} secrets")
                made = await self._secret(namespace[:-1], name)
                if made is not None:
                    found[made.key] = made
        return found

    async def _listed(self, below: str) -> list[str]:
        path = f"/v1/{self._options.mount}/metadata/{self._options.path}/{below}"
        reply = await self._call("LIST", path)
        if reply.status == NOT_FOUND:
            return []
        keys = _field(reply, "keys")
        if not isinstance(keys, list):
            raise AuthorityError(f"{self._options.address} does not list {path}: {said(reply)}")
        return sorted(str(key) for key in keys)

    async def _secret(self, namespace: str, name: str) -> Resource[Secret] | None:
        """None when it is deleted, or holds anything but texts."""
        place = f"{self._options.path}/{namespace}/{name}"
        reply = await self._call("GET", f"/v1/{self._options.mount}/data/{place}")
        if reply.status == NOT_FOUND:
            return None
        fields = _field(reply, "data")
        if not isinstance(fields, dict):
            raise AuthorityError(f"{self._options.address} does not give {place}: {said(reply)}")
        texts = {str(key): text for key, text in fields.items() if isinstance(text, str)}
        return Resource(
            kind=KIND,
            api_version="v1",
            meta=ObjectMeta(name=name, namespace=namespace),
            spec=Secret(data={key: text.encode() for key, text in texts.items()}),
            origin=Origin(f"{self._options.address}/{self._options.mount}/{place}", 1),
        )

    async def _call(self, method: str, path: str) -> Reply:
        reply = await self._server.call(method, path, headers=await self._login.headers())
        if reply.status == FORBIDDEN:  # the token may have been revoked
            self._login.forget()
            reply = await self._server.call(method, path, headers=await self._login.headers())
        return reply


def _field(reply: Reply, name: str) -> Any:
    data = reply.body.get("data") if reply.is_fine and isinstance(reply.body, dict) else None
    return data.get(name) if isinstance(data, dict) else None
