"""What signs workloads' leaves: the own root or a plugged-in one here, or a server elsewhere.

A server elsewhere is told what a leaf must be and is not believed to have done so: `checked`
compares what came back with what was asked for, before it reaches the workload.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from lateen.ca.authority import BACKDATE_SECONDS, Authority, pem
from lateen.ca.errors import AuthorityError
from lateen.ca.plugged_in import issued_by
from lateen.ca.trusted_roots import root_id

CLOCK_SECONDS = 60  # another server's clock may be ahead of ours by that
LONGEST_CHAIN = 10


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """A workload's request that has passed the policy. `csr` is PEM and names nobody else."""

    csr: str
    public_key: CertificatePublicKeyTypes
    names: tuple[x509.GeneralName, ...]  # the identity's URI first
    ttl_seconds: float
    now: float

    @property
    def identity(self) -> str:
        return str(self.names[0].value)


@dataclass(frozen=True, slots=True)
class SignedLeaf:
    """`intermediates` connect the leaf to one of `roots`."""

    certificate: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    roots: tuple[x509.Certificate, ...]  # those that the signer answers to

    @property
    def chain(self) -> tuple[str, ...]:
        """PEM, without the root."""
        return (pem(self.certificate), *map(pem, self.intermediates))


class Signer(Protocol):
    """`name` tells users which it is. Its calls have time limits and raise AuthorityError."""

    @property
    def name(self) -> str: ...

    async def roots(self) -> tuple[x509.Certificate, ...]:
        """What peers must trust to believe its leaves."""

    async def sign(self, request: LeafRequest) -> SignedLeaf: ...


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """Signs in this process."""

    authority: Authority
    name: str

    async def roots(self) -> tuple[x509.Certificate, ...]:
        return self.authority.roots

    async def sign(self, request: LeafRequest) -> SignedLeaf:
        return self.signed(request)

    def signed(self, request: LeafRequest) -> SignedLeaf:
        leaf = self.authority.issue(
            request.public_key, request.names, now=request.now, ttl_seconds=request.ttl_seconds
        )
        return SignedLeaf(leaf, self.authority.between, self.authority.roots)


def checked(leaf: SignedLeaf, request: LeafRequest) -> SignedLeaf:
    """The leaf, if it is what was asked for and nothing more; AuthorityError says what is off."""
    certificate = leaf.certificate
    if certificate.public_key() != request.public_key:
        raise AuthorityError("the signer answered with a certificate for another key")
    _check_names(certificate, request.names)
    _check_is_leaf(certificate)
    ends = certificate.not_valid_after_utc.timestamp()
    if ends > request.now + request.ttl_seconds + CLOCK_SECONDS:
        raise AuthorityError("the signer's certificate lives longer than was asked for")
    if ends <= request.now:
        raise AuthorityError("the signer's certificate has expired already")
    if certificate.not_valid_before_utc.timestamp() > request.now + BACKDATE_SECONDS:
        raise AuthorityError("the signer's certificate is not valid yet")
    _check_chain(leaf)
    return leaf


def issuing_roots(
    certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """Those of the roots that a chain, leaf first, leads to."""
    last = certificates[-1]
    return tuple(root for root in roots if root == last or issued_by(last, root))


def root_ids(leaf: SignedLeaf) -> frozenset[str]:
    """Of the roots that a leaf leads to. Its issuer leads to the same ones for every leaf."""
    if leaf.intermediates:
        return _ids(leaf.intermediates[-1], leaf.roots)
    if len(leaf.roots) == 1:
        return frozenset((root_id(leaf.roots[0]),))
    return frozenset(root_id(root) for root in issuing_roots((leaf.certificate,), leaf.roots))


@lru_cache(maxsize=64)
def _ids(last: x509.Certificate, roots: tuple[x509.Certificate, ...]) -> frozenset[str]:
    return frozenset(root_id(root) for root in issuing_roots((last,), roots))


def is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject and issued_by(certificate, certificate)


def _check_names(certificate: x509.Certificate, wanted: Sequence[x509.GeneralName]) -> None:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as wrong:
        raise AuthorityError("the signer's certificate names no identity") from wrong
    if not set(names) <= set(wanted):
        raise AuthorityError("the signer's certificate has names that were not asked for")
    if wanted[0] not in names:
        raise AuthorityError("the signer's certificate does not name the workload's identity")


def _check_is_leaf(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        value = extension.value
        if (isinstance(value, x509.BasicConstraints) and value.ca) or (
            isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign)
        ):
            raise AuthorityError("the signer's certificate could sign others")


def _check_chain(leaf: SignedLeaf) -> None:
    chain = (leaf.certificate, *leaf.intermediates)
    if len(chain) > LONGEST_CHAIN:
        raise AuthorityError("the signer's chain is too long")
    for child, parent in itertools.pairwise(chain):
        if not issued_by(child, parent):
            raise AuthorityError("the signer's chain does not connect")
    if not issuing_roots(chain, leaf.roots):
        raise AuthorityError("the signer's chain does not lead to a root that it named")
