"""Which roots vouch for which trust domain, for every agent the same.

    the authority's roots, caCertificates without trustDomains    own trust domain and its aliases
    caCertificates with trustDomains                              these, and these alone

Other trust domains are let in by listeners only where they are aliases (`trustDomainAliases`).
"""

from collections.abc import Iterator

from cryptography import x509

from lateen.api.mesh_config import CertificateData
from lateen.base.incremental import derived
from lateen.identity.trust_bundle import Trust, TrustBundle
from lateen.view.mesh import Mesh

SPIFFE = "spiffe://"


@derived
def trust_bundle(mesh: Mesh) -> bytes | None:
    """A `TrustBundle`; None before the authority has spoken."""
    if not mesh.trust.roots:
        return None
    trust = mesh.trust
    bundle = TrustBundle(revoked=trust.revoked.encode(), whole_chain=trust.whole_chain)
    for name, roots in _domains(mesh).items():
        bundle.domains.add(name=name, roots=roots.encode())
    return bytes(bundle.SerializeToString(deterministic=True))


def own_roots(mesh: Mesh) -> str:
    """PEM: what workloads of this mesh check each other with."""
    return _joined(mesh.trust.roots, *(_text(data, mesh.trust) for data in _everybodys(mesh)))


def _domains(mesh: Mesh) -> dict[str, str]:
    """The own one alone where all roots are everybody's."""
    aliases = mesh.config.trust_domain_aliases
    listed: dict[str, str] = {}
    for data in mesh.config.ca_certificates:
        for domain in map(_name, data.trust_domains):
            listed[domain] = _joined(listed.get(domain, ""), _text(data, mesh.trust))
    own = mesh.trust_domain
    everybodys = own_roots(mesh)
    found = {own: _joined(everybodys, listed.pop(own, ""))}
    if not listed:
        return found
    for alias in map(_name, aliases):
        found.setdefault(alias, listed.pop(alias, "") or everybodys)
    found.update((domain, roots) for domain, roots in sorted(listed.items()) if roots)
    return found


def _everybodys(mesh: Mesh) -> Iterator[CertificateData]:
    """Entries for a signer of Kubernetes are not for peers."""
    for data in mesh.config.ca_certificates:
        if not data.trust_domains and not data.cert_signers:
            yield data


def _text(data: CertificateData, trust: Trust) -> str:
    """Nothing where there are no certificates: one wrong entry must not spoil the bundle."""
    text = data.pem or trust.of_url(data.spiffe_bundle_url or "")
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return ""
    return text


def _joined(*texts: str) -> str:
    return "".join(f"{text.strip()}\n" for text in texts if text.strip())


def _name(domain: str) -> str:
    return domain.removeprefix(SPIFFE)
