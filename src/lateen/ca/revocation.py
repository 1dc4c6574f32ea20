"""Revocation lists for the leaves of evicted workloads.

Envoy refuses every peer whose issuer has no list once there is any list at all. So either every
issuer that live leaves have is covered, or there is no list and an eviction ends with the leaf.
Lists are as long valid as their issuer: proxies must live through the loss of the control plane.
"""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.authority import Authority, authority_key, hash_for, instant
from lateen.ca.issued import IssuedLeaf
from lateen.ca.trusted_roots import root_id


def revocation_list(authority: Authority, serials: Iterable[str], *, now: float) -> str:
    """The PEM list of one issuer, in the order of the serials."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(instant(now))
        .next_update(authority.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(int(now * 1000)), critical=False)
        .add_extension(authority_key(authority.certificate), critical=False)
    )
    for serial in sorted(set(serials)):
        revoked = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
        builder = builder.add_revoked_certificate(revoked.revocation_date(instant(now)).build())
    return builder.sign(authority.key, hash_for(authority.key)).public_bytes(Encoding.PEM).decode()


def lists(
    authorities: Sequence[Authority],
    live: Iterable[IssuedLeaf],
    evicted: "Iterable[str]",
    *,
    now: float,
) -> str:
    """The lists of all these issuers; empty if some live leaf has another issuer."""
    out = set(evicted)
    serials: dict[str, list[str]] = {
        root_id(authority.certificate): [] for authority in authorities
    }
    for leaf in live:
        if leaf.issuer not in serials:
            return ""
        if leaf.identity in out:
            serials[leaf.issuer].append(leaf.serial)
    return "".join(
        revocation_list(authority, serials[root_id(authority.certificate)], now=now)
        for authority in authorities
    )
