"""The filter chains of one inbound port: TLS at the door, then HTTP or TCP to the workload."""

from dataclasses import replace
from typing import Any

from msgspec import structs

from lateen.api.gateway import ServerTLSSettings, TLSmode
from lateen.api.virtual_service import HTTPRetry
from lateen.catalog.service import Protocol
from lateen.envoy import messages, types
from lateen.translate import metadata, names, tls
from lateen.translate.authorization import filters as authorization
from lateen.translate.filters import decision_log, proxy_settings, tcp
from lateen.translate.filters import http_connection_manager as hcm
from lateen.translate.filters.http import Direction, http_filters
from lateen.translate.listeners import gateway_tls, inbound_match
from lateen.translate.listeners.inbound_match import Accepted
from lateen.translate.listeners.inbound_port import InboundPort
from lateen.translate.rate_limit import http as rate_limit
from lateen.translate.rate_limit.limits import add_metadata
from lateen.translate.rate_limit.network import network_filters as connection_limits
from lateen.translate.routes.headers import PEER_HEADERS
from lateen.translate.routes.retry import retry_policy
from lateen.view.authentication import MutualTLSMode
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import outbound_scope

CATCH_ALL_HTTP = "virtualInbound-catchall-http"
RETRY_ON = "reset-before-request"  # the workload closed an idle connection as the request went out
RETRIES = 2
EARLY_DATA_BYTES = 64 * 1024  # kept while the workload is being connected to
TERMINATED = (TLSmode.SIMPLE, TLSmode.MUTUAL, TLSmode.OPTIONAL_MUTUAL)


def accepted(port: InboundPort) -> tuple[Accepted, ...]:
    """What the port accepts, in the order of its filter chains."""
    if own_tls(port) is not None:
        return inbound_match.terminated(port.protocol)
    return inbound_match.accepted(port.mode, port.protocol)


def own_tls(port: InboundPort) -> ServerTLSSettings | None:
    """TLS settings of a Sidecar's ingress listener: they hold where mesh TLS is disabled."""
    settings = port.tls
    if settings is None or port.mode is not MutualTLSMode.DISABLE:
        return None
    return settings if settings.mode in TERMINATED else None


def filter_chains(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort) -> list[Any]:
    return [_filter_chain(mesh, proxy_class, port, each) for each in accepted(port)]


def _filter_chain(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort, kind: Accepted) -> Any:
    chain = types.FilterChain(name=_name(port, kind))
    match = chain.filter_chain_match
    if port.port and not port.is_bound:
        match.destination_port.value = port.port
    match.transport_protocol = kind.transport
    match.application_protocols.extend(kind.alpn)
    if kind.is_mutual:
        context = _tls_context(mesh, proxy_class, port, kind)
        chain.transport_socket.CopyFrom(tls.transport_socket(context))
    chain.filters.extend(connection_limits(mesh, proxy_class, port.port))
    if kind.is_http:
        chain.filters.append(_http_filter(mesh, proxy_class, port))
    else:
        chain.filters.extend(authorization.network_filters(mesh, proxy_class))
        chain.filters.append(_tcp_filter(mesh, proxy_class, port, kind))
    if port.source is not None and port.source.kind != "Service":
        metadata.set_config(chain, port.source)
    add_metadata(chain, mesh, proxy_class.namespace, proxy_class.labels)
    return chain


def _name(port: InboundPort, kind: Accepted) -> str:
    if port.is_passthrough:
        return CATCH_ALL_HTTP if kind.is_http else names.VIRTUAL_INBOUND
    return port.name


def _tls_context(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort, kind: Accepted) -> Any:
    settings = own_tls(port)
    if settings is not None:
        return gateway_tls.tls_context(
            mesh,
            proxy_class,
            structs.replace(settings, ca_cert_credential_name=""),  # sidecars have files alone
            trust_domains=trust_domains(mesh),
            is_http=kind.is_http,
        )
    made = tls.mesh_server_context(
        trust_domains=trust_domains(mesh),
        alpn=tls.HTTP_ALPN if kind.is_http else tls.TCP_SERVER_ALPN,
    )
    tls.apply_tls_config(made.common_tls_context, mesh.config.mesh_mtls)
    return made


def trust_domains(mesh: Mesh) -> tuple[str, ...]:
    """The mesh's own and its aliases: whose clients may come in."""
    return tuple(dict.fromkeys((mesh.trust_domain, *mesh.config.trust_domain_aliases)))


# -- HTTP --------------------------------------------------------------------------------------


def _http_filter(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort) -> Any:
    is_web = port.protocol is Protocol.GRPC_WEB
    return hcm.http_chain(
        hcm.http_connection_manager(
            mesh,
            stat_prefix=port.cluster if port.is_passthrough else f"inbound_{port.name}",
            http_filters=http_filters(
                Direction.INBOUND,
                policy=(
                    *authorization.http_filters(mesh, proxy_class),
                    *rate_limit.http_filters(mesh, proxy_class),
                ),
                is_grpc_web=is_web,
                may_be_grpc=port.protocol is not Protocol.HTTP,
                hides_debug_headers=proxy_settings.hides_debug_headers(mesh, proxy_class),
            ),
            route_configuration=route_configuration(
                port, mesh.config.default_inbound_http_retry_policy
            ),
            edge=replace(hcm.INBOUND, accept_http10=proxy_class.http10),
            operation="INGRESS",
            scope=outbound_scope(mesh, proxy_class),
            proxy=proxy_class,
        )
    )


def route_configuration(port: InboundPort, retries: HTTPRetry | None = None) -> Any:
    """Everything to the workload: no timeouts, a retry where nothing was sent yet."""
    made = types.RouteConfiguration(name=port.cluster)
    made.validate_clusters.value = False
    made.request_headers_to_remove.extend(PEER_HEADERS)
    host = made.virtual_hosts.add(name=f"inbound|http|{port.service_port}", domains=["*"])
    route = host.routes.add(name="default")
    route.match.prefix = "/"
    route.decorator.operation = f"{port.host}:{port.service_port}/*"
    action = route.route
    action.cluster = port.cluster
    never = messages.duration(0)
    action.timeout.CopyFrom(never)
    action.max_stream_duration.max_stream_duration.CopyFrom(never)
    action.max_stream_duration.grpc_timeout_header_max.CopyFrom(never)
    _set_retries(action, port, retries)
    return made


def _set_retries(action: Any, port: InboundPort, wanted: HTTPRetry | None) -> None:
    """The mesh's `defaultInboundHttpRetryPolicy`, else where nothing was sent yet."""
    if wanted is not None:
        policy = retry_policy(wanted, consistent_hash=True)  # there is no other host to take
        if policy is not None:
            action.retry_policy.CopyFrom(policy)
    elif port.protocol is not Protocol.GRPC:
        action.retry_policy.retry_on = RETRY_ON
        action.retry_policy.num_retries.value = RETRIES


# -- TCP ---------------------------------------------------------------------------------------


def _tcp_filter(mesh: Mesh, proxy_class: ProxyClass, port: InboundPort, kind: Accepted) -> Any:
    proxy = tcp.tcp_proxy(mesh, ((port.cluster, 1),), stat_prefix=_stat_prefix(mesh, port))
    decision_log.add_tcp(proxy, mesh, proxy_class)
    if kind.is_mutual:  # the workload must not see a connection before its peer is known
        proxy.upstream_connect_mode = "ON_DOWNSTREAM_TLS_HANDSHAKE"
        proxy.max_early_data_bytes.value = EARLY_DATA_BYTES
    return tcp.tcp_chain(proxy)


def _stat_prefix(mesh: Mesh, port: InboundPort) -> str:
    """By MeshConfig.inboundClusterStatName, where the port is a service's; else the cluster."""
    pattern, service = mesh.config.inbound_cluster_stat_name, port.service
    if not pattern or service is None:
        return port.cluster
    served = service.port(port.service_port)
    return names.format_stat_name(
        pattern,
        host=service.hostname,
        namespace=service.namespace,
        service=service.name,
        port=port.service_port,
        port_name=served.name if served is not None else "",
        subset="",
    )
