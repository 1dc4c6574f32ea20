"""TLS of listeners: certificates, modes and what clients must show."""

from lateen.api.gateway import ServerTLSSettings, TLSmode
from lateen.api.gateway_api.gateway import (
    FrontendTLSValidation,
    GatewaySpec,
    Listener,
    ListenerTLSConfig,
)
from lateen.api.resource import Resource
from lateen.gateway_api import sources
from lateen.gateway_api.credentials import Fault, frontend_authorities, server_certificates
from lateen.gateway_api.sources import Sources

NETWORK_LABEL = "topology.istio.io/network"
GATEWAY_PORT_LABEL = "networking.istio.io/gatewayPort"
EAST_WEST_PORT = "15443"
LISTENER_PROTOCOL = "gateway.istio.io/listener-protocol"
TERMINATE_MODE = "gateway.istio.io/tls-terminate-mode"
OWN_CERTIFICATE = "builtin://"  # the workload's
MODES = {"MUTUAL": TLSmode.MUTUAL, "OPTIONAL_MUTUAL": TLSmode.OPTIONAL_MUTUAL}


def listener_tls(
    mesh: Sources, owner: Resource[object], parent: Resource[GatewaySpec], listener: Listener
) -> tuple[ServerTLSSettings | None, Fault | None]:
    tls = listener.tls
    if tls is None:
        return None, None
    if tls.mode == "Passthrough":
        return ServerTLSSettings(mode=_passthrough(parent, listener, tls)), None
    asked = tls.options.get(TERMINATE_MODE)
    if asked == "ISTIO_MUTUAL":
        return ServerTLSSettings(mode=TLSmode.ISTIO_MUTUAL), None
    if asked == "ISTIO_SIMPLE":
        return ServerTLSSettings(mode=TLSmode.SIMPLE, credential_name=OWN_CERTIFICATE), None
    return _terminated(mesh, owner, parent, listener, tls)


def _passthrough(
    parent: Resource[GatewaySpec], listener: Listener, tls: ListenerTLSConfig
) -> TLSmode:
    """The port between networks takes connections for all services by their SNI."""
    labels = parent.meta.labels
    asked = tls.options.get(LISTENER_PROTOCOL) == "auto-passthrough"
    port = labels.get(GATEWAY_PORT_LABEL, EAST_WEST_PORT)
    between = NETWORK_LABEL in labels and str(listener.port) == port
    return TLSmode.AUTO_PASSTHROUGH if asked or between else TLSmode.PASSTHROUGH


def _terminated(
    mesh: Sources,
    owner: Resource[object],
    parent: Resource[GatewaySpec],
    listener: Listener,
    tls: ListenerTLSConfig,
) -> tuple[ServerTLSSettings | None, Fault | None]:
    kind = sources.kind_of(owner)
    names, fault = server_certificates(mesh, kind, owner.namespace, tls.certificate_refs)
    if fault is not None:
        return None, fault
    mode = MODES.get(tls.options.get(TERMINATE_MODE, ""), TLSmode.SIMPLE)
    authorities = ""
    validation = _frontend(parent.spec, listener.port)
    if validation is not None and listener.protocol == "HTTPS":
        authorities, fault = frontend_authorities(mesh, parent.namespace, validation)
        if fault is not None:
            return None, fault
        insecure = validation.mode == "AllowInsecureFallback"
        mode = TLSmode.OPTIONAL_MUTUAL if insecure else TLSmode.MUTUAL
    return (
        ServerTLSSettings(
            mode=mode,
            credential_name=names[0] if len(names) == 1 else "",
            credential_names=names if len(names) > 1 else (),
            ca_cert_credential_name=authorities,
        ),
        None,
    )


def _frontend(spec: GatewaySpec, port: int) -> FrontendTLSValidation | None:
    if spec.tls is None or spec.tls.frontend is None:
        return None
    chosen = spec.tls.frontend.default
    for each in spec.tls.frontend.per_port:
        if each.port == port:
            chosen = each.tls
    return chosen.validation if chosen is not None else None
