"""Certificate requests, proper and improper."""

import asyncio
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.signer import LeafRequest, SignedLeaf
from lateen.identity import spiffe

KEY = ec.generate_private_key(ec.SECP256R1())
WEB = spiffe.of(trust_domain="cluster.local", namespace="shop", service_account="web")


def csr(key: Any = KEY, *extensions: x509.ExtensionType, digest: Any = None) -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, digest or hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def names(*uris: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri) for uri in uris])


def leaf_request(now: float, *, ttl_seconds: float = 3600, identity: object = WEB) -> LeafRequest:
    uri = x509.UniformResourceIdentifier(str(identity))
    return LeafRequest(csr(), KEY.public_key(), (uri,), ttl_seconds, now)


def sign(authority: CertificateAuthority, now: float, **wish: Any) -> SignedLeaf:
    return asyncio.run(authority.sign(leaf_request(now, **wish)))
