"""Transport sockets of an outbound cluster: automatic mutual TLS, or what the policy says."""

from dataclasses import replace
from typing import Any

from lateen.api.destination_rule import ClientTLSSettings, TLSmode, TrafficPolicy
from lateen.base.incremental import derived
from lateen.catalog.service import Port, Registry, Resolution, Service
from lateen.catalog.workload import MUTUAL
from lateen.translate import alpn, metadata, names
from lateen.translate.clusters.policy.client_tls import (
    Peer,
    adjust_upstream,
    apply_proxy_protocol,
    apply_tls,
)
from lateen.translate.clusters.protocol import Upstream
from lateen.view import service as services
from lateen.view.authentication import MutualTLSMode, namespace_mode
from lateen.view.mesh import Mesh
from lateen.view.proxy_settings import CertificateFiles

USER_TLS = (TLSmode.SIMPLE, TLSmode.MUTUAL)


def apply_outbound_tls(
    mesh: Mesh,
    cluster: Any,
    *,
    service: Service,
    port: Port,
    subset: str,
    policy: TrafficPolicy,
    upstream: Upstream,
    keeps_address: bool,
    uses_credentials: bool,
    files: CertificateFiles | None = None,
    client_certificate: str = "",
) -> Upstream:
    """Returns the HTTP side as TLS needs it. `keeps_address`: the client chose the endpoint.

    `files` are the client's in place of the mesh's certificate, `client_certificate` the credential
    of its Gateway.
    """
    settings = policy.tls
    if settings is not None and settings.mode is TLSmode.DISABLE:
        apply_proxy_protocol(cluster, policy.proxy_protocol)
        return upstream
    peer = Peer(
        server_name=names.server_name(port.number, subset, service.hostname),
        identities=identities(mesh, service.hostname, service.namespace),
        subject_alt_names=service.service_accounts,
        can_be_automatic=_can_be_automatic(mesh, service, port, keeps_address=keeps_address),
        has_known_endpoints=not keeps_address,
        uses_credentials=uses_credentials,
        client_certificate=client_certificate,
        offer=alpn.offer(port, upstream.protocol),
    )
    if files is not None:
        settings = _with_files(files, settings, peer)
    apply_tls(cluster, settings, peer, is_http2=upstream.is_http2, config=mesh.config)
    apply_proxy_protocol(cluster, policy.proxy_protocol)
    if settings is not None and settings.mode in USER_TLS:
        metadata.istio_struct(cluster).fields["alpn_override"].string_value = "false"
    if service.resolution is Resolution.DYNAMIC_DNS and cluster.HasField("transport_socket"):
        checks_name = settings is None or not settings.insecure_skip_verify
        return replace(upstream, auto_sni=True, auto_san_validation=checks_name)
    return adjust_upstream(upstream, settings)


def _with_files(
    files: CertificateFiles, settings: ClientTLSSettings | None, peer: Peer
) -> ClientTLSSettings | None:
    """Mutual TLS of any kind uses the client's own files; what it asks of the peer stays."""
    if settings is None:
        if not peer.can_be_automatic:
            return None
        names_to_check, server_name = peer.identities, peer.server_name
    elif settings.mode in (TLSmode.MUTUAL, TLSmode.ISTIO_MUTUAL):
        names_to_check, server_name = settings.subject_alt_names, settings.sni
    else:
        return settings
    return ClientTLSSettings(
        mode=TLSmode.MUTUAL,
        client_certificate=files.chain,
        private_key=files.key,
        ca_certificates=files.roots,
        subject_alt_names=names_to_check,
        sni=server_name,
    )


@derived
def identities(mesh: Mesh, hostname: str, namespace: str) -> tuple[str, ...]:
    """Who may serve the host, also under the other names of the trust domain."""
    accounts = services.service_accounts(mesh, hostname, namespace)
    aliases = mesh.config.trust_domain_aliases
    if not aliases:
        return accounts
    own = f"spiffe://{mesh.trust_domain}/"
    found = set(accounts)
    for account in accounts:
        if account.startswith(own):
            path = account.removeprefix(own)
            found.update(f"spiffe://{alias}/{path}" for alias in aliases)
    return tuple(sorted(found))


def _can_be_automatic(mesh: Mesh, service: Service, port: Port, *, keeps_address: bool) -> bool:
    if service.mesh_external or mesh.config.enable_auto_mtls is False:
        return False
    if service.registry is Registry.EXTERNAL and service.resolution is Resolution.DYNAMIC_DNS:
        return False
    if keeps_address and not all_take_mutual(mesh, service.hostname, service.namespace, port.name):
        return False
    return namespace_mode(mesh, service.namespace) is not MutualTLSMode.DISABLE


@derived
def all_take_mutual(mesh: Mesh, hostname: str, namespace: str, port_name: str) -> bool:
    """Whether there are endpoints and each has a proxy."""
    modes = [
        endpoint.tls_mode
        for endpoint in services.endpoints(mesh, hostname, namespace)
        if endpoint.service_port == port_name
    ]
    return bool(modes) and all(mode == MUTUAL for mode in modes)
