"""Leaves signed through Kubernetes: CertificateSigningRequests of a signer such as cert-manager's.

    authority:
      kubernetes:
        server: https://10.96.0.1:443        # default: the cluster that the control plane runs in
        caFile: ca.crt                       # defaults: the service account's files
        tokenFile: token
        signerName: clusterissuers.cert-manager.io/mesh
        rootsFile: mesh-roots.pem            # what peers trust: Kubernetes does not tell
        approve: true                        # approve them ourselves (needs `approve` on signers)

A request names the workload's identity and is made for this one certificate: created, approved if
that is our part, looked at until it is signed, and deleted. What the signer answers is checked like
every answer from elsewhere. Labels of workloads are not in it, the request does not have them.
"""

import asyncio
import base64
import logging
import secrets
from pathlib import Path
from typing import Any

from cryptography import x509

from lateen.base.clock import Clock
from lateen.ca.errors import AuthorityError
from lateen.ca.remote import RemoteServer, Reply, said
from lateen.ca.rotation import moment
from lateen.ca.section import Section
from lateen.ca.signer import LeafRequest, SignedLeaf, is_self_signed, issuing_roots

log = logging.getLogger(__name__)

PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CLUSTER = "https://kubernetes.default.svc"
USAGES = ("digital signature", "key encipherment", "server auth", "client auth")
SHORTEST_SECONDS = 600  # that Kubernetes accepts as a wish
SIGNED_SECONDS = 20.0  # an approver and a signer have that long
FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 1.0
MOST_ROOT_BYTES = 1024 * 1024


class KubernetesOptions(Section, frozen=True, kw_only=True):
    signer_name: str
    roots_file: str
    server: str = CLUSTER
    ca_file: str = str(ACCOUNT / "ca.crt")
    token_file: str = str(ACCOUNT / "token")
    approve: bool = False
    timeout_seconds: float = 10.0


class KubernetesSigner:
    """Signs through an API server; see `signer.Signer`."""

    name = "kubernetes"

    def __init__(self, options: KubernetesOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._server = RemoteServer(
            options.server, ca_file=options.ca_file, timeout_seconds=options.timeout_seconds
        )

    async def roots(self) -> tuple[x509.Certificate, ...]:
        """As the file says at this moment."""
        return _roots(Path(self._options.roots_file))

    async def sign(self, request: LeafRequest) -> SignedLeaf:
        name = f"lateen-{secrets.token_hex(10)}"
        created = await self._call("POST", PATH, _request(name, request, self._options.signer_name))
        _require(created, "create the request")
        try:
            if self._options.approve:
                await self._approve(name, created.body)
            leaf = await self._signed(name)
        finally:
            await self._delete(name)
        return _read(leaf, await self.roots())

    async def _approve(self, name: str, created: Any) -> None:
        condition = {
            "type": "Approved",
            "status": "True",
            "reason": "WorkloadProven",
            "message": "the workload has proven its identity to the control plane",
            "lastUpdateTime": moment(self._clock()),
        }
        body = {**created, "status": {"conditions": [condition]}}
        _require(await self._call("PUT", f"{PATH}/{name}/approval", body), "approve the request")

    async def _signed(self, name: str) -> str:
        """The PEM chain, as soon as it is there."""
        pause = FIRST_LOOK_SECONDS
        try:
            async with asyncio.timeout(SIGNED_SECONDS):
                while True:
                    reply = await self._call("GET", f"{PATH}/{name}")
                    _require(reply, "read the request")
                    if (found := _certificate(reply.body)) is not None:
                        return found
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST_LOOK_SECONDS)
        except TimeoutError as late:
            raise AuthorityError(
                f"{self._options.signer_name} has not signed {name} within {SIGNED_SECONDS:g} s; "
                "is it approved, and does its signer run?"
            ) from late

    async def _delete(self, name: str) -> None:
        try:
            reply = await self._call("DELETE", f"{PATH}/{name}")
            if not reply.is_fine:
                log.warning("request not deleted", extra={"request": name, "reason": said(reply)})
        except AuthorityError as trouble:  # the API server removes old requests by itself
            log.warning("request not deleted", extra={"request": name, "reason": str(trouble)})

    async def _call(self, method: str, path: str, body: Any = None) -> Reply:
        token = _text(Path(self._options.token_file))
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        return await self._server.call(method, path, body, headers=headers)


def _request(name: str, request: LeafRequest, signer_name: str) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "lateen"}},
        "spec": {
            "request": base64.b64encode(request.csr.encode()).decode(),
            "signerName": signer_name,
            "expirationSeconds": max(SHORTEST_SECONDS, int(request.ttl_seconds)),
            "usages": list(USAGES),
        },
    }


def _certificate(document: Any) -> str | None:
    """None: not yet. AuthorityError: never."""
    status = document.get("status") if isinstance(document, dict) else None
    status = status if isinstance(status, dict) else {}
    for condition in status.get("conditions") or ():
        if condition.get("type") in ("Denied", "Failed"):
            reason = condition.get("message") or condition.get("reason") or ""
            raise AuthorityError(
                f"the certificate was {str(condition['type']).lower()}: {str(reason)[:200]}"
            )
    if not status.get("certificate"):
        return None
    try:
        return base64.b64decode(status["certificate"], validate=True).decode()
    except ValueError as wrong:
        raise AuthorityError("the signer's certificate cannot be read") from wrong


def _read(text: str, roots: tuple[x509.Certificate, ...]) -> SignedLeaf:
    try:
        leaf, *above = x509.load_pem_x509_certificates(text.encode())
    except ValueError as wrong:
        raise AuthorityError("the signer's certificate cannot be read") from wrong
    intermediates = tuple(each for each in above if not is_self_signed(each))
    used = issuing_roots((leaf, *intermediates), roots)
    if not used:
        raise AuthorityError(
            "the signer's certificate does not lead to a root of rootsFile; "
            "add the signer's root to it"
        )
    return SignedLeaf(leaf, intermediates, used)


def _require(reply: Reply, what: str) -> None:
    if not reply.is_fine or not isinstance(reply.body, dict):
        raise AuthorityError(f"the API server did not {what}: {said(reply)}")


def _roots(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(dict.fromkeys(x509.load_pem_x509_certificates(_text(path).encode())))
    except ValueError as wrong:
        raise AuthorityError(f"{path} holds no PEM certificate: {wrong}") from wrong


def _text(path: Path) -> str:
    try:
        with open(path) as file:
            return file.read(MOST_ROOT_BYTES).strip()
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
