"""TLS towards the endpoints of a cluster.

    DestinationRule says       context
    nothing                    mutual TLS where the endpoint can (automatic), else plain text
    DISABLE                    plain text
    ISTIO_MUTUAL               workload certificates; SANs of the service's accounts
    SIMPLE, MUTUAL             files (the agent reads them) or credentials (the control plane has)

Automatic mutual TLS is off for services outside the mesh, where PeerAuthentication of the
namespace says DISABLE, and, where the client chooses the address itself, unless every known
endpoint can.
"""

from dataclasses import dataclass, replace
from typing import Any

from lateen.api.destination_rule import (
    ClientTLSSettings,
    NamedTLSSettings,
    ProxyProtocol,
    ProxyProtocolVersion,
    TLSmode,
)
from lateen.api.mesh_config import MeshConfig
from lateen.envoy import messages, types
from lateen.translate import tls
from lateen.translate.clusters.protocol import Upstream

PROXY_PROTOCOL_SOCKET = "envoy.transport_sockets.upstream_proxy_protocol"
SYSTEM_ROOTS = "system"  # the agent's name for the operating system's bundle
H2_ALPN = ("h2",)
MTLS_MATCH = "tlsMode"


@dataclass(frozen=True, slots=True)
class Peer:
    """What is known of the other side, and of this one, beyond the policy."""

    server_name: str  # of automatic and ISTIO_MUTUAL TLS
    identities: tuple[str, ...]  # SPIFFE URIs and subjectAltNames of the service
    subject_alt_names: tuple[str, ...] = ()  # those a ServiceEntry names itself
    can_be_automatic: bool = False
    has_known_endpoints: bool = True  # False: ORIGINAL_DST, so matching by endpoint is impossible
    uses_credentials: bool = False  # gateways, and sidecars chosen by a workloadSelector
    client_certificate: str = ""  # credential shown to servers of a BackendTLSPolicy
    offer: tuple[str, ...] = tls.MESH_ALPN  # ALPN of automatic and ISTIO_MUTUAL TLS


def adjust_upstream(upstream: Upstream, settings: ClientTLSSettings | None) -> Upstream:
    """TLS that the user set up without a server name takes it from each request."""
    if settings is None or settings.mode not in (TLSmode.SIMPLE, TLSmode.MUTUAL) or settings.sni:
        return upstream
    checks_name = not settings.subject_alt_names and not settings.insecure_skip_verify
    return replace(upstream, auto_sni=True, auto_san_validation=checks_name)


def apply_tls(
    cluster: Any,
    settings: ClientTLSSettings | None,
    peer: Peer,
    *,
    is_http2: bool,
    config: MeshConfig,
) -> None:
    if settings is None:
        if peer.can_be_automatic:
            _apply_automatic(cluster, peer, config=config)
        return
    if settings.mode is TLSmode.DISABLE:
        return
    if settings.mode is TLSmode.ISTIO_MUTUAL:
        context = _mesh_context(
            settings.sni or peer.server_name,
            settings.subject_alt_names or peer.identities,
            offer=peer.offer,
            config=config,
        )
    else:
        context = _user_context(settings, peer, is_http2=is_http2, config=config)
    cluster.transport_socket.CopyFrom(tls.transport_socket(context))


def _mesh_context(
    server_name: str,
    identities: tuple[str, ...],
    *,
    offer: tuple[str, ...],
    config: MeshConfig,
) -> Any:
    context = tls.mesh_client_context(
        sni=server_name,
        alternative_names=identities,
        alpn=offer,
    )
    tls.apply_tls_config(context.common_tls_context, config.mesh_mtls)
    return context


def _apply_automatic(cluster: Any, peer: Peer, *, config: MeshConfig) -> None:
    context = _mesh_context(peer.server_name, peer.identities, offer=peer.offer, config=config)
    socket = tls.transport_socket(context)
    if not peer.has_known_endpoints:
        cluster.transport_socket.CopyFrom(socket)
        return
    mutual = cluster.transport_socket_matches.add(name="tlsMode-istio")
    mutual.match.fields[MTLS_MATCH].string_value = "istio"
    mutual.transport_socket.CopyFrom(socket)
    plain = cluster.transport_socket_matches.add(name="tlsMode-disabled")
    plain.match.SetInParent()
    plain.transport_socket.CopyFrom(tls.raw_transport_socket())


def _user_context(
    settings: ClientTLSSettings, peer: Peer, *, is_http2: bool, config: MeshConfig
) -> Any:
    context = types.UpstreamTlsContext(sni=settings.sni)
    tls.client_versions(context)
    common = context.common_tls_context
    tls.apply_tls_config(common, config.tls_defaults)
    if is_http2:
        common.alpn_protocols.extend(H2_ALPN)
    named = isinstance(settings, NamedTLSSettings)
    credential = settings.credential_name if named or peer.uses_credentials else ""
    if named and not settings.subject_alt_names:
        context.auto_sni_san_validation = True
    if settings.mode is TLSmode.MUTUAL:
        _add_certificate(common, settings, credential)
    elif named and peer.client_certificate:
        _add_certificate(common, settings, peer.client_certificate)
    root = _root(settings, credential)
    if root is None:
        common.validation_context.SetInParent()
        return context
    validation = common.combined_validation_context
    tls.add_alternative_names(
        validation.default_validation_context,
        settings.subject_alt_names or peer.subject_alt_names,
    )
    validation.default_validation_context.SetInParent()
    if settings.ca_crl and not credential:  # a credential's list of revocations is its own
        validation.default_validation_context.crl.filename = settings.ca_crl
    validation.validation_context_sds_secret_config.CopyFrom(root)
    return context


def _add_certificate(common: Any, settings: ClientTLSSettings, credential: str) -> None:
    if credential:
        secret = tls.control_plane_secret(tls.credential_name(credential))
    elif settings.client_certificate and settings.private_key:
        secret = tls.agent_secret(
            tls.certificate_secret_name(settings.client_certificate, settings.private_key)
        )
    else:
        return  # nothing to present: the server will refuse, and nothing leaves unencrypted
    common.tls_certificate_sds_secret_configs.append(secret)


def _root(settings: ClientTLSSettings, credential: str) -> Any | None:
    if settings.insecure_skip_verify:
        return None
    if credential:
        return tls.control_plane_secret(tls.credential_name(credential) + "-cacert")
    return tls.agent_secret(tls.root_secret_name(settings.ca_certificates or SYSTEM_ROOTS))


# -- proxy protocol ----------------------------------------------------------------------------


def apply_proxy_protocol(cluster: Any, settings: ProxyProtocol | None) -> None:
    """Wraps every transport socket of the cluster, so that the header goes before TLS."""
    if settings is None:
        return
    for match in cluster.transport_socket_matches:
        match.transport_socket.CopyFrom(_wrapped(match.transport_socket, settings))
    if not cluster.transport_socket_matches:
        inner = (
            cluster.transport_socket
            if cluster.HasField("transport_socket")
            else tls.raw_transport_socket()
        )
        cluster.transport_socket.CopyFrom(_wrapped(inner, settings))


def _wrapped(inner: Any, settings: ProxyProtocol) -> Any:
    transport = types.ProxyProtocolUpstreamTransport()
    transport.config.version = "V2" if settings.version is ProxyProtocolVersion.V2 else "V1"
    transport.transport_socket.CopyFrom(inner)
    made = types.TransportSocket(name=PROXY_PROTOCOL_SOCKET)
    made.typed_config.CopyFrom(messages.pack(transport))
    return made
