"""The control plane's own certificate and the TLS settings of its port.

Callers may present a certificate of the mesh, which is then verified; those that have none yet
authenticate with a token. See `identity.credential`.
"""

import ipaddress
import os
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.authority import Authority
from lateen.identity.lifetime import Lifetime

DNS_NAMES = ("istiod.istio-system.svc", "istiod.istio-system.svc.cluster.local", "localhost")
ADDRESSES = ("127.0.0.1", "::1")
TTL_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate chain without its root, and its key, both PEM."""

    chain: str
    key: str = field(repr=False)
    lifetime: Lifetime


def control_plane_names(*, system_namespace: str = "istio-system", domain: str) -> tuple[str, ...]:
    service = f"istiod.{system_namespace}.svc"
    return (*dict.fromkeys((*DNS_NAMES, service, f"{service}.{domain}")),)


def issue(
    authority: Authority,
    *,
    now: float,
    dns_names: Iterable[str] = DNS_NAMES,
    addresses: Iterable[str] = ADDRESSES,
    ttl_seconds: float = TTL_SECONDS,
) -> ServerCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    leaf = authority.issue(key.public_key(), names, now=now, ttl_seconds=ttl_seconds)
    return ServerCertificate(
        chain="".join(authority.chain(leaf)[:-1]),
        key=key_text(key),
        lifetime=Lifetime(now, leaf.not_valid_after_utc.timestamp()),
    )


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    """PEM, for the memory of this process."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def server_context(roots: str, certificate: ServerCertificate) -> ssl.SSLContext:
    """TLS 1.2 and up with HTTP/2; a client certificate is optional and verified when given.

    No session is resumed: whoever comes again is verified again, by the roots of that moment.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.load_verify_locations(cadata=roots)
    present(context, certificate)
    return context


def present(context: ssl.SSLContext, certificate: ServerCertificate) -> None:
    """Uses the certificate for handshakes from now on. OpenSSL reads files only: one is made, 0600,
    and gone when this returns."""
    handle, path = tempfile.mkstemp(prefix="lateen-server-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(certificate.key + certificate.chain)
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
