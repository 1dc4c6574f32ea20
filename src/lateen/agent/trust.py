"""Whom the workload believes: what came with its certificate, then what the control plane says.

Either may be the newer one, so the last that was heard of the own trust domain counts. Envoy gets
plain roots as long as there is one trust domain, and a validator that keeps trust domains apart
when there are several. That validator knows no lists of revoked certificates.
"""

import logging
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from lateen.agent.messages import TrustDomainRoots, roots_secret, trust_domains_secret
from lateen.agent.secrets import ROOTS, SecretStore
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.identity.trust_bundle import TrustBundle

log = logging.getLogger(__name__)


class Trust:
    """Owns the secret `ROOTCA`. `orphaned` is called when the workload's own certificate no longer
    leads to a root that is trusted: its peers are about to refuse it; `changed` gets the roots of
    the own trust domain."""

    def __init__(
        self,
        secrets: SecretStore,
        *,
        orphaned: Callable[[], None],
        changed: Callable[[bytes], None] = lambda roots: None,
    ) -> None:
        self._secrets = secrets
        self._changed = changed
        self._orphaned = orphaned
        self._own = b""
        self._others: tuple[TrustDomainRoots, ...] = ()
        self._name = ""
        self._revoked, self._whole_chain = b"", False
        self._chain: tuple[x509.Certificate, ...] = ()

    @property
    def roots(self) -> bytes:
        """Of the own trust domain; empty before the first certificate."""
        return self._own

    def learn(self, certificate: WorkloadCertificate) -> None:
        """The roots that came with a certificate."""
        self._chain = tuple(x509.load_pem_x509_certificates(certificate.chain))
        self._own = certificate.roots
        self._put()

    def take(self, message: bytes) -> None:
        """A serialized TrustBundle. DecodeError, or ValueError for roots that are none."""
        bundle = TrustBundle.FromString(message)
        if not bundle.domains:
            return
        for domain in bundle.domains:
            x509.load_pem_x509_certificates(domain.roots)
        own, *others = bundle.domains
        self._name, self._own = own.name, own.roots
        self._others = tuple(TrustDomainRoots(each.name, each.roots) for each in others)
        self._revoked, self._whole_chain = bundle.revoked, bundle.whole_chain
        self._put()
        log.info("trust bundle received", extra={"domains": len(bundle.domains)})
        if self._chain and not leads_to(self._chain[-1], self._own):
            log.warning("the root of this workload's certificate is trusted no more")
            self._orphaned()

    def _put(self) -> None:
        self._changed(self._own)
        if self._others:
            domains = (TrustDomainRoots(self._name, self._own), *self._others)
            self._secrets.put(ROOTS, trust_domains_secret(ROOTS, domains))
            return
        secret = roots_secret(
            ROOTS, roots=self._own, revoked=self._revoked, whole_chain=self._whole_chain
        )
        self._secrets.put(ROOTS, secret)


def leads_to(last: x509.Certificate, roots: bytes) -> bool:
    """Whether one of the roots issued the last certificate of a chain, or is it."""
    for root in x509.load_pem_x509_certificates(roots):
        if root == last:
            return True
        try:
            last.verify_directly_issued_by(root)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False
