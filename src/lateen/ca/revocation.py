"""Revocation lists: for the leaves of evicted workloads, and those of a plugged-in authority.

Envoy refuses every peer whose issuer has no list once there is any list at all. So either every
issuer that live leaves have is covered, or there is no list and an eviction ends with the leaf.
Lists are as long valid as their issuer: proxies must live through the loss of the control plane.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.authority import Authority, authority_key, hash_for, instant
from lateen.ca.issued import IssuedLeaf
from lateen.ca.trusted_roots import root_id

PEM_LIST = re.compile(r"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Revocations:
    """PEM. `whole_chain`: intermediates are covered too, and peers may check the whole chain."""

    lists: str = ""
    whole_chain: bool = False


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


def revocations(
    authorities: Sequence[Authority],
    live: Iterable[IssuedLeaf],
    evicted: Iterable[str],
    *,
    supplied: str = "",
    now: float,
) -> Revocations:
    """Nothing if some live leaf has an issuer that is none of the authorities.

    `supplied` are lists that came with a plugged-in set; what they say of leaves goes into ours.
    """
    out = set(evicted)
    serials: dict[str, set[str]] = {root_id(each.certificate): set() for each in authorities}
    issuers = set()
    for leaf in live:
        if leaf.issuer not in serials:
            return Revocations()
        issuers.add(leaf.issuer)
        if leaf.identity in out:
            serials[leaf.issuer].add(leaf.serial)
    others = []
    for each in split(supplied):
        issuer = next((a for a in authorities if _is_of(each, a.certificate)), None)
        if issuer is None:
            others.append(each)
        else:
            serials[root_id(issuer.certificate)] |= {f"{one.serial_number:x}" for one in each}
    ours = "".join(
        revocation_list(authority, serials[root_id(authority.certificate)], now=now)
        for authority in authorities
    )
    theirs = "".join(each.public_bytes(Encoding.PEM).decode() for each in others)
    first = authorities[0]
    is_whole = issuers <= {root_id(first.certificate)} and _covers(others, first)
    return Revocations(ours + theirs, is_whole)


def split(text: str) -> list[x509.CertificateRevocationList]:
    """Every list of a PEM text."""
    return [x509.load_pem_x509_crl(part.encode()) for part in PEM_LIST.findall(text)]


def _is_of(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return found.issuer == issuer.subject and found.is_signature_valid(key)  # type: ignore[arg-type]


def _covers(found: Sequence[x509.CertificateRevocationList], signer: Authority) -> bool:
    """Whether there is a list for every certificate above the leaf."""
    if signer.is_self_signed:
        return False  # nothing is above the leaf that could be revoked
    issuers = (*signer.intermediates, *signer.roots)
    return all(
        any(_is_of(each, issuer) for each in found for issuer in issuers if _issued(one, issuer))
        for one in signer.between
    )


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    return child.issuer == issuer.subject
