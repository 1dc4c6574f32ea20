"""What the secure port needs: the authority, its own certificate, and who callers may be."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from lateen.audit.event import Recorder
from lateen.base.clock import Clock
from lateen.base.tasks import Tasks
from lateen.ca import server_certificate
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.server_rotation import ServerCertificateRotation
from lateen.control import authentication
from lateen.control.issuer_keys import IssuerKeys
from lateen.control.settings import ControlSettings
from lateen.identity.credential import Authenticator
from lateen.identity.join_tokens import FOLDER as JOIN_TOKENS
from lateen.identity.join_tokens import JoinTokens
from lateen.identity.token_judges import TokenJudges
from lateen.identity.tokens import TokenSigner, load_or_create_key
from lateen.view.mesh import Mesh

FOLDER = "ca"  # below the control plane's state


@dataclass(slots=True)
class Certificates:
    """Made only when the secure port is served."""

    authority: CertificateAuthority
    server: ServerCertificateRotation
    authenticator: Authenticator
    joins: JoinTokens
    issuers: IssuerKeys

    def start(self, tasks: Tasks) -> None:
        tasks.start(self.server.run(), name="rotation of the server certificate")
        self.issuers.start(tasks)


def load(
    settings: ControlSettings, mesh: Mesh, *, clock: Clock, random: Random, audit: Recorder
) -> Certificates:
    """The trust domain is known only when the configuration has been read."""
    authority = CertificateAuthority(
        settings.state / FOLDER,
        settings.authority.settings(mesh.trust_domain),
        clock=clock,
        external=settings.authority.external(clock),
    )
    names, addresses = _split(settings.server_names)
    of_control = server_certificate.control_plane_names(
        system_namespace=settings.mesh.root_namespace, domain=settings.mesh.domain
    )
    server = ServerCertificateRotation(
        lambda: authority.local,
        roots=lambda: authority.server_bundle,
        clock=clock,
        random=random,
        dns_names=(*of_control, *names),
        addresses=(*server_certificate.ADDRESSES, *addresses),
    )
    signer = TokenSigner(load_or_create_key(settings.state), clock)
    joins = JoinTokens(signer, settings.state / JOIN_TOKENS, clock)
    published = IssuerKeys(settings.keys, state=settings.state, clock=clock, random=random)
    judges = TokenJudges(
        signer.verifier(),
        clock,
        joins,
        issuers=authentication.issuers(settings.authentication, published, clock),
        review=authentication.review(settings.authentication, clock),
    )
    authenticator = Authenticator(
        trust_domains=(mesh.trust_domain, *mesh.config.trust_domain_aliases),
        tokens=judges,
        clock=clock,
        audit=audit,
    )
    return Certificates(authority, server, authenticator, joins, published)


def _split(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """DNS names and IP addresses."""
    dns, addresses = [], []
    for name in names:
        try:
            addresses.append(str(ipaddress.ip_address(name)))
        except ValueError:
            dns.append(name)
    return dns, addresses
