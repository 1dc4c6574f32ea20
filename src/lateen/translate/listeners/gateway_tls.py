"""TLS of a Gateway's server: certificates, what clients must show, protocol versions.

credentialName(s)         Secrets, served by the control plane: `kubernetes://name`
caCertCredentialName      roots of their own; otherwise those of the credential, `-cacert`
serverCertificate, ...    files beside the gateway, served by its agent
ISTIO_MUTUAL, builtin://  the gateway's own workload certificate

MeshConfig.tlsDefaults holds for all but ISTIO_MUTUAL, and the server's own parameters beat it.
OPTIONAL_MUTUAL with a credential that holds no roots asks clients for nothing: a listener that
waits for roots would take no connection at all. With MUTUAL it does wait.
"""

from collections.abc import Iterable
from typing import Any

from lateen.api.gateway import ServerTLSSettings, TLSmode, TLSProtocol
from lateen.translate import secrets, tls
from lateen.translate.secrets import ROOTS_SUFFIX
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass

BUILT_IN = "builtin://"
CHECKS_CLIENTS = (TLSmode.MUTUAL, TLSmode.OPTIONAL_MUTUAL)


def is_terminated(settings: ServerTLSSettings | None) -> bool:
    """Whether the gateway holds the certificate itself."""
    return settings is not None and settings.mode not in (
        TLSmode.PASSTHROUGH,
        TLSmode.AUTO_PASSTHROUGH,
    )


def tls_context(
    mesh: Mesh,
    proxy_class: ProxyClass,
    settings: ServerTLSSettings,
    *,
    trust_domains: Iterable[str],
    is_http: bool,
) -> Any:
    """The DownstreamTlsContext of a server that terminates TLS."""
    if settings.mode is TLSmode.ISTIO_MUTUAL:
        made = tls.mesh_server_context(
            trust_domains=trust_domains,
            alpn=tls.HTTP_ALPN if is_http else tls.TCP_SERVER_ALPN,
            client_names=settings.subject_alt_names,
        )
        _revoke(made.common_tls_context, settings)
        return made
    made = tls.server_context(
        certificates=_certificates(settings),
        root=_roots(mesh, proxy_class, settings),
        client_names=settings.subject_alt_names,
        require_client_certificate=settings.mode is TLSmode.MUTUAL,
    )
    _pin(made.common_tls_context, settings)
    _revoke(made.common_tls_context, settings)
    tls.apply_tls_config(made.common_tls_context, mesh.config.tls_defaults)
    _set_parameters(made.common_tls_context, settings)
    return made


def _credentials(settings: ServerTLSSettings) -> tuple[str, ...]:
    return settings.credential_names or tuple(filter(None, (settings.credential_name,)))


def _certificates(settings: ServerTLSSettings) -> list[Any]:
    credentials = _credentials(settings)
    if credentials:
        return [_credential(name) for name in credentials]
    pairs = [(each.server_certificate, each.private_key) for each in settings.tls_certificates]
    pairs = pairs or [(settings.server_certificate, settings.private_key)]
    return [tls.agent_secret(tls.certificate_secret_name(*pair)) for pair in pairs]


def _credential(name: str) -> Any:
    if name.startswith(BUILT_IN):
        return tls.agent_secret(tls.WORKLOAD_CERTIFICATE)
    return tls.control_plane_secret(tls.credential_name(name))


def _roots(mesh: Mesh, proxy_class: ProxyClass, settings: ServerTLSSettings) -> Any | None:
    """What client certificates are checked against; None: they are not asked for."""
    if settings.mode not in CHECKS_CLIENTS:
        return None
    credentials = _credentials(settings)
    if settings.ca_cert_credential_name:
        credentials = (settings.ca_cert_credential_name,)
    if credentials and credentials[0].startswith(BUILT_IN):
        return tls.agent_secret(tls.ROOT_CERTIFICATE)
    if credentials:
        name = _root_name(credentials[0])
        if settings.mode is TLSmode.MUTUAL or secrets.exists(mesh, proxy_class, name):
            return tls.control_plane_secret(name)
        return None
    files = (
        settings.ca_certificates,
        *(each.ca_certificates for each in settings.tls_certificates),
    )
    file = next(filter(None, files), "")
    return tls.agent_secret(tls.root_secret_name(file)) if file else None


def _root_name(name: str) -> str:
    name = tls.credential_name(name)
    if name.startswith("configmap://"):
        return name
    return name.removesuffix(ROOTS_SUFFIX) + ROOTS_SUFFIX


def _pin(common: Any, settings: ServerTLSSettings) -> None:
    if not common.HasField("combined_validation_context"):
        return
    validation = common.combined_validation_context.default_validation_context
    validation.verify_certificate_spki.extend(settings.verify_certificate_spki)
    validation.verify_certificate_hash.extend(settings.verify_certificate_hash)


def _revoke(common: Any, settings: ServerTLSSettings) -> None:
    """The list is a file beside the gateway; that of a credential comes with its roots."""
    if settings.ca_crl and common.HasField("combined_validation_context"):
        validation = common.combined_validation_context.default_validation_context
        validation.crl.filename = settings.ca_crl


def _set_parameters(common: Any, settings: ServerTLSSettings) -> None:
    """What is not set is left to Envoy: TLS 1.2 to 1.3."""
    minimum = _version(settings.min_protocol_version)
    if minimum:
        common.tls_params.tls_minimum_protocol_version = minimum
    maximum = _version(settings.max_protocol_version)
    if maximum:
        common.tls_params.tls_maximum_protocol_version = maximum
    if settings.cipher_suites:
        del common.tls_params.cipher_suites[:]
        common.tls_params.cipher_suites.extend(dict.fromkeys(settings.cipher_suites))


def _version(version: TLSProtocol) -> str:
    """Envoy's spelling: TLSV1_2 is TLSv1_2; empty: Envoy's own choice."""
    return "" if version is TLSProtocol.TLS_AUTO else version.value.replace("TLSV", "TLSv")
