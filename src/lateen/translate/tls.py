"""TLS contexts of both sides of a connection, and where Envoy fetches their secrets.

    default, ROOTCA                 the workload's own certificate and roots: its agent (UDS)
    file-cert:C~K, file-root:CA     files beside the workload: its agent (UDS)
    kubernetes://[ns/]name[-cacert] credentials of gateways: the control plane (ADS)

Session resumption, ALPN and SANs follow Istio. Builders return new messages; callers may patch
them.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from lateen.api.mesh_config import TLSConfig, TLSProtocol
from lateen.envoy import messages, types
from lateen.translate import names

WORKLOAD_CERTIFICATE = "default"
ROOT_CERTIFICATE = "ROOTCA"

TLS_SOCKET = "envoy.transport_sockets.tls"
RAW_SOCKET = "envoy.transport_sockets.raw_buffer"

# What a client offers; a server with PERMISSIVE ports tells mesh traffic by it.
MESH_ALPN = ("istio-peer-exchange", "istio")
MESH_ALPN_H2 = (*MESH_ALPN, "h2")
HTTP_ALPN = ("h2", "http/1.1")
TCP_SERVER_ALPN = ("istio-peer-exchange", "h2", "http/1.1")

# Ciphers of workload certificates (mesh TLS 1.2; 1.3 has its own fixed set).
MESH_CIPHERS = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
)

_VERSIONS = {TLSProtocol.TLSV1_2: "TLSv1_2", TLSProtocol.TLSV1_3: "TLSv1_3"}


# -- where secrets come from -------------------------------------------------------------------


def agent_secret(name: str) -> Any:
    """A secret that the workload's agent serves over its unix socket."""
    made = types.SdsSecretConfig(name=name)
    made.sds_config.CopyFrom(_agent_source(wait=name in (WORKLOAD_CERTIFICATE, ROOT_CERTIFICATE)))
    return made


def control_plane_secret(name: str) -> Any:
    """A secret that the control plane serves on the proxy's discovery stream."""
    made = types.SdsSecretConfig(name=name)
    made.sds_config.ads.SetInParent()
    made.sds_config.resource_api_version = "V3"
    return made


def certificate_secret_name(certificate: str, key: str) -> str:
    """The agent's name for a certificate and key in files."""
    return f"file-cert:{certificate}~{key}"


def root_secret_name(file: str) -> str:
    """The agent's name for a file of roots."""
    return f"file-root:{file}"


def credential_name(credential: str) -> str:
    """The control plane's name for a gateway credential; other schemes pass as they are."""
    return credential if "://" in credential else f"kubernetes://{credential}"


@cache
def _agent_source(*, wait: bool) -> Any:
    source = types.ConfigSource(resource_api_version="V3")
    grpc = source.api_config_source
    grpc.api_type = "GRPC"
    grpc.transport_api_version = "V3"
    grpc.set_node_on_first_message_only = True
    grpc.grpc_services.add().envoy_grpc.cluster_name = names.SDS_CLUSTER
    if wait:  # without its own certificate a workload can do nothing: wait without limit
        source.initial_fetch_timeout.SetInParent()
    return source


# -- validation --------------------------------------------------------------------------------


def add_alternative_names(validation: Any, alternative_names: Iterable[str]) -> None:
    """The peer must hold one of these names, exactly. None listed: any name passes."""
    for name in alternative_names:
        for kind in _name_types(name):
            matcher = validation.match_typed_subject_alt_names.add()
            matcher.san_type = kind
            matcher.matcher.exact = name


def add_alternative_name_prefixes(validation: Any, prefixes: Iterable[str]) -> None:
    """The peer must hold a URI (a SPIFFE identity) that begins with one of these."""
    for prefix in prefixes:
        matcher = validation.match_typed_subject_alt_names.add()
        matcher.san_type = "URI"
        matcher.matcher.prefix = prefix


def _name_types(name: str) -> tuple[str, ...]:
    """Which kinds of alternative name the text can be; Istio matches it against all of them."""
    if "://" in name:
        return ("URI",)
    if "@" in name:
        return ("EMAIL", "DNS")
    if ":" in name or name.replace(".", "").isdigit():
        return ("IP_ADDRESS",)
    return ("DNS",)


# -- client side -------------------------------------------------------------------------------


@cache
def _mesh_client_template() -> Any:
    made = types.UpstreamTlsContext()
    _set_versions(made.common_tls_context)
    made.common_tls_context.tls_certificate_sds_secret_configs.append(
        agent_secret(WORKLOAD_CERTIFICATE)
    )
    combined = made.common_tls_context.combined_validation_context
    combined.default_validation_context.SetInParent()
    combined.validation_context_sds_secret_config.CopyFrom(agent_secret(ROOT_CERTIFICATE))
    return made


def mesh_client_context(
    *, sni: str, alternative_names: Iterable[str], alpn: Iterable[str] = MESH_ALPN
) -> Any:
    """Mutual TLS with workload certificates (ISTIO_MUTUAL, automatic mutual TLS)."""
    made = types.UpstreamTlsContext()
    made.CopyFrom(_mesh_client_template())
    common = made.common_tls_context
    add_alternative_names(
        common.combined_validation_context.default_validation_context, alternative_names
    )
    common.alpn_protocols.extend(alpn)
    made.sni = sni
    return made


def _set_versions(common: Any) -> None:
    """TLS 1.2 to 1.3, Istio's bounds between proxies."""
    common.tls_params.tls_minimum_protocol_version = "TLSv1_2"
    common.tls_params.tls_maximum_protocol_version = "TLSv1_3"


def client_versions(context: Any) -> None:
    """Istio's bounds for TLS that a DestinationRule sets up: 1.2 to 1.3."""
    _set_versions(context.common_tls_context)


def apply_tls_config(common: Any, config: TLSConfig | None) -> None:
    """What the mesh configuration (meshMTLS, tlsDefaults) says of versions, ciphers and curves."""
    if config is None:
        return
    if config.min_protocol_version is not TLSProtocol.TLS_AUTO:
        common.tls_params.tls_minimum_protocol_version = _VERSIONS[config.min_protocol_version]
    if config.cipher_suites:
        del common.tls_params.cipher_suites[:]
        common.tls_params.cipher_suites.extend(config.cipher_suites)
    common.tls_params.ecdh_curves.extend(config.ecdh_curves)


# -- server side -------------------------------------------------------------------------------


def mesh_server_context(
    *, trust_domains: Iterable[str], alpn: Iterable[str], client_names: Iterable[str] = ()
) -> Any:
    """Mutual TLS with workload certificates: clients must hold an identity of the mesh.

    `client_names` (Gateway subjectAltNames) narrows which; otherwise any of the trust domains.
    """
    made = types.DownstreamTlsContext()
    common = made.common_tls_context
    _set_versions(common)
    common.tls_params.cipher_suites.extend(MESH_CIPHERS)
    common.tls_certificate_sds_secret_configs.append(agent_secret(WORKLOAD_CERTIFICATE))
    validation = common.combined_validation_context
    validation.default_validation_context.SetInParent()
    names_wanted = tuple(client_names)
    if names_wanted:
        add_alternative_names(validation.default_validation_context, names_wanted)
    else:
        add_alternative_name_prefixes(
            validation.default_validation_context,
            (f"spiffe://{domain}/" for domain in trust_domains),
        )
    validation.validation_context_sds_secret_config.CopyFrom(agent_secret(ROOT_CERTIFICATE))
    common.alpn_protocols.extend(alpn)
    made.require_client_certificate.value = True
    return made


def server_context(
    *, certificates: Iterable[Any], root: Any | None, client_names: Iterable[str] = (),
    alpn: Iterable[str] = HTTP_ALPN, require_client_certificate: bool = False,
) -> Any:  # fmt: skip
    """TLS of a gateway: `certificates` and `root` are SdsSecretConfigs of this module.

    With `root` client certificates are checked against it (and `client_names`).
    """
    made = types.DownstreamTlsContext()
    common = made.common_tls_context
    common.alpn_protocols.extend(alpn)
    common.tls_certificate_sds_secret_configs.extend(certificates)
    if root is not None:
        validation = common.combined_validation_context
        validation.default_validation_context.SetInParent()
        add_alternative_names(validation.default_validation_context, client_names)
        validation.validation_context_sds_secret_config.CopyFrom(root)
    made.require_client_certificate.value = require_client_certificate
    return made


# -- transport sockets -------------------------------------------------------------------------


def transport_socket(context: Any) -> Any:
    """The socket of a TLS context, of either side."""
    made = types.TransportSocket(name=TLS_SOCKET)
    made.typed_config.CopyFrom(messages.pack(context))
    return made


@cache
def raw_transport_socket() -> Any:
    """Plain bytes. Shared: copy it, never change it."""
    made = types.TransportSocket(name=RAW_SOCKET)
    made.typed_config.CopyFrom(messages.pack(types.RawBuffer()))
    return made
