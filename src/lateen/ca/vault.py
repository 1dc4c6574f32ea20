"""Leaves signed by the PKI engine of OpenBao or HashiCorp Vault. The key never leaves it.

    authority:
      vault:
        address: https://bao.example:8200
        caFile: bao-ca.pem                   # default: the system's roots
        mount: pki                           # of the engine
        role: mesh
        auth: {method: approle, roleId: mesh, secretIdFile: secret-id}
           or {method: kubernetes, role: mesh, tokenFile: /var/run/secrets/.../token}
           or {method: token, tokenFile: vault-token}

What the role needs: `use_csr_sans=false`, `require_cn=false`, `allowed_uri_sans=spiffe://DOMAIN/*`,
`key_type=any`, and a `max_ttl` as long as certificates are to live. The policy needs `update` on
`MOUNT/sign/ROLE`; issuers are read without credentials. Every root of the engine is trusted as
soon as it is there, so a new issuer is made first and becomes the default a leaf's life later.
Labels of workloads do not get into these leaves: the engine takes host names only.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography import x509

from lateen.base.clock import Clock
from lateen.ca.errors import AuthorityError
from lateen.ca.remote import RemoteServer, Reply, said
from lateen.ca.section import Section
from lateen.ca.signer import LeafRequest, SignedLeaf, is_self_signed

log = logging.getLogger(__name__)

RENEW_RATIO = 0.5  # of a token's life
FORBIDDEN, NOT_FOUND = 403, 404
MOST_ISSUERS = 50


class VaultAuth(Section, frozen=True, kw_only=True):
    """Files are read at each login, so that whoever keeps them may change them."""

    method: Literal["token", "approle", "kubernetes"]
    mount: str = ""  # of the method; default: its name
    token_file: str = ""  # token: Vault's; kubernetes: the service account's
    role: str = ""  # kubernetes
    role_id: str = ""  # approle
    secret_id_file: str = ""  # approle


class VaultOptions(Section, frozen=True, kw_only=True):
    address: str
    role: str
    auth: VaultAuth
    mount: str = "pki"
    ca_file: str = ""
    namespace: str = ""  # of Vault or OpenBao, not of Kubernetes
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Login:
    token: str
    renew_at: float
    ends: float
    is_renewable: bool


class VaultLogin:
    """Owns the token: got once, renewed at half its life, got again when it is no longer taken."""

    def __init__(self, server: RemoteServer, options: VaultOptions, clock: Clock) -> None:
        self._server = server
        self._auth = options.auth
        self._base_headers = {"x-vault-namespace": options.namespace} if options.namespace else {}
        self._clock = clock
        self._login: Login | None = None
        self._one_at_a_time = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        async with self._one_at_a_time:
            login, now = self._login, self._clock()
            if login is not None and now >= login.renew_at:
                login = await self._renewed(login)
            if login is None or now >= login.ends:
                login = await self._logged_in()
            self._login = login
        return {**self._base_headers, "x-vault-token": login.token}

    def forget(self) -> None:
        self._login = None

    async def _logged_in(self) -> Login:
        auth = self._auth
        if auth.method == "token":
            token = _secret(auth.token_file)
            return await self._renewed(Login(token, 0.0, 0.0, True)) or Login(
                token, self._clock() + 60.0, self._clock() + 60.0, False
            )
        body = (
            {"role_id": auth.role_id, "secret_id": _secret(auth.secret_id_file)}
            if auth.method == "approle"
            else {"role": auth.role, "jwt": _secret(auth.token_file)}
        )
        path = f"/v1/auth/{auth.mount or auth.method}/login"
        reply = await self._server.call("POST", path, body, headers=self._base_headers)
        found = self._read(reply)
        if found is None:
            raise AuthorityError(f"login to {self._server.address} was refused: {said(reply)}")
        log.info("logged in to the signer", extra={"address": self._server.address})
        return found

    async def _renewed(self, login: Login) -> Login | None:
        """None when the token cannot be renewed; what is left of its life counts then."""
        if not login.is_renewable:
            return login if self._clock() < login.ends else None
        headers = {**self._base_headers, "x-vault-token": login.token}
        reply = await self._server.call("POST", "/v1/auth/token/renew-self", {}, headers=headers)
        return self._read(reply)

    def _read(self, reply: Reply) -> Login | None:
        auth = reply.body.get("auth") if reply.is_fine and isinstance(reply.body, dict) else None
        if not isinstance(auth, dict) or not auth.get("client_token"):
            return None
        now, life = self._clock(), float(auth.get("lease_duration") or 0)
        if life <= 0:  # a token without an end
            return Login(str(auth["client_token"]), now + 3600, now + 3600, False)
        return Login(
            str(auth["client_token"]),
            now + RENEW_RATIO * life,
            now + life,
            bool(auth.get("renewable")),
        )


class VaultSigner:
    """Signs over the network; see `signer.Signer`."""

    name = "vault"

    def __init__(self, options: VaultOptions, clock: Clock) -> None:
        self._options = options
        self._server = RemoteServer(
            options.address, ca_file=options.ca_file, timeout_seconds=options.timeout_seconds
        )
        self._login = VaultLogin(self._server, options, clock)
        self._roots: tuple[x509.Certificate, ...] = ()

    async def roots(self) -> tuple[x509.Certificate, ...]:
        """Every self-signed issuer of the engine, and what the others chain to."""
        mount = self._options.mount
        reply = await self._server.call("LIST", f"/v1/{mount}/issuers", headers=self._plain)
        if not reply.is_fine:
            raise AuthorityError(
                f"{self._options.address} does not list the issuers of {mount}: {said(reply)}"
            )
        found: dict[x509.Certificate, None] = {}
        for key in _listed(reply)[:MOST_ISSUERS]:
            path = f"/v1/{mount}/issuer/{key}/json"
            issuer = await self._server.call("GET", path, headers=self._plain)
            if issuer.is_fine:
                data = issuer.body["data"]
                chain = [*(data.get("ca_chain") or ()), data.get("certificate", "")]
                found.update(dict.fromkeys(filter(is_self_signed, _certificates(chain))))
        if not found:
            raise AuthorityError(f"{mount} at {self._options.address} has no root certificate")
        self._roots = tuple(found)
        return self._roots

    async def sign(self, request: LeafRequest) -> SignedLeaf:
        reply = await self._asked(request)
        if reply.status == FORBIDDEN:  # the token may have been revoked
            self._login.forget()
            reply = await self._asked(request)
        data = reply.body.get("data") if reply.is_fine and isinstance(reply.body, dict) else None
        if not isinstance(data, dict):
            raise AuthorityError(f"{self._options.address} did not sign: {said(reply)}")
        (leaf,) = _certificates([data.get("certificate", "")])
        above = _certificates(data.get("ca_chain") or [data.get("issuing_ca", "")])
        named = tuple(filter(is_self_signed, above))
        return SignedLeaf(
            leaf,
            tuple(each for each in above if not is_self_signed(each)),
            named or self._roots or await self.roots(),
        )

    async def _asked(self, request: LeafRequest) -> Reply:
        options = self._options
        body = {
            "csr": request.csr,
            "uri_sans": request.identity,
            "ttl": f"{int(request.ttl_seconds)}s",
            "format": "pem",
            "exclude_cn_from_sans": True,
        }
        path = f"/v1/{options.mount}/sign/{options.role}"
        return await self._server.call("POST", path, body, headers=await self._login.headers())

    @property
    def _plain(self) -> dict[str, str]:
        namespace = self._options.namespace
        return {"x-vault-namespace": namespace} if namespace else {}


def _listed(reply: Reply) -> list[str]:
    try:
        return [str(key) for key in reply.body["data"]["keys"]]
    except (KeyError, TypeError) as wrong:
        raise AuthorityError("the signer's list of issuers cannot be read") from wrong


def _certificates(texts: list[Any]) -> list[x509.Certificate]:
    try:
        return [x509.load_pem_x509_certificate(str(text).encode()) for text in texts if text]
    except ValueError as wrong:
        raise AuthorityError("the signer's certificate cannot be read") from wrong


def _secret(path: str) -> str:
    try:
        found = Path(path).read_text().strip()
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    if not found:
        raise AuthorityError(f"{path} is empty")
    return found
