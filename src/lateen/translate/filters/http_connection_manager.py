"""The HTTP connection manager, with what Istio sets in every one of them.

Protocol by detection (AUTO), paths normalized as the mesh says, WebSocket upgrades, no idle timeout
of streams, request ids that carry the sampling decision, the mesh's access log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from lateen.api.mesh_config import NormalizationType
from lateen.api.mesh_proxy_config import ForwardClientCertDetails
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.filters import access_log, decision_log, network, proxy_settings
from lateen.translate.filters.tracing import add_tracing
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import OutboundScope

WEBSOCKET = "websocket"
REQUEST_ID_HEADERS = ("subject", "dns", "uri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """How a connection manager treats the client's side. The default is a sidecar's outbound."""

    server_name: str = ""  # the `server` header; empty: `envoy`
    use_remote_address: bool = False  # the connection's address, not X-Forwarded-For, is the client
    xff_trusted_hops: int = 0
    forward_client_cert: ForwardClientCertDetails = ForwardClientCertDetails.UNDEFINED
    client_cert_details: tuple[str, ...] = ()  # of cert, chain, dns, subject, uri
    accept_http10: bool = False
    is_forward_proxy: bool = False  # clients send whole URLs


OUTBOUND = Edge()
INBOUND = Edge(
    server_name="istio-envoy",
    forward_client_cert=ForwardClientCertDetails.APPEND_FORWARD,
    client_cert_details=REQUEST_ID_HEADERS,
)


def http_connection_manager(
    mesh: Mesh,
    *,
    stat_prefix: str,
    http_filters: Iterable[Any],
    route_name: str = "",
    route_configuration: Any = None,
    edge: Edge = OUTBOUND,
    operation: str = "EGRESS",
    scope: OutboundScope | None = None,
    proxy: ProxyClass | None = None,
) -> Any:
    """The `HttpConnectionManager`; routes come over ADS as `route_name` or are given inline.

    `stat_prefix` without the closing `;`. `operation` is the direction spans are named after;
    without a `scope` nothing is traced. The ProxyConfig of `proxy` beats all other settings.
    """
    made = types.HttpConnectionManager()
    made.CopyFrom(_template())
    made.stat_prefix = names.stat_name(stat_prefix)
    if route_configuration is not None:
        made.route_config.CopyFrom(route_configuration)
    else:
        made.rds.CopyFrom(_routes_over_ads())
        made.rds.route_config_name = route_name
    made.http_filters.extend(http_filters)
    _normalize_paths(made, mesh)
    _set_edge(made, edge)
    if proxy is not None:
        is_server = edge.forward_client_cert is not ForwardClientCertDetails.UNDEFINED
        proxy_settings.apply_to_manager(made, mesh, proxy, is_server=is_server)
        if is_server:
            decision_log.add_http(made, mesh, proxy)
    if scope is not None:
        add_tracing(made, mesh, scope, operation=operation)
    access_log.add_access_logs(made, mesh)
    return made


def http_chain(manager: Any) -> Any:
    """The manager as the filter of a filter chain."""
    return network.network_filter(network.HTTP_CONNECTION_MANAGER, manager)


@cache
def _template() -> Any:
    made = types.HttpConnectionManager(proxy_100_continue=True)
    made.stream_idle_timeout.CopyFrom(messages.duration(0))
    made.upgrade_configs.add(upgrade_type=WEBSOCKET)
    identifier = types.UuidRequestIdConfig()
    identifier.use_request_id_for_trace_sampling.value = True
    made.request_id_extension.typed_config.CopyFrom(messages.pack(identifier))
    return made


@cache
def _routes_over_ads() -> Any:
    made = types.Rds()
    made.config_source.ads.SetInParent()
    made.config_source.resource_api_version = "V3"
    made.config_source.initial_fetch_timeout.CopyFrom(messages.duration(0))
    return made


def _normalize_paths(made: Any, mesh: Mesh) -> None:
    wanted = mesh.config.path_normalization
    kind = wanted.normalization if wanted is not None else NormalizationType.DEFAULT
    made.normalize_path.value = kind is not NormalizationType.NONE
    if kind in (NormalizationType.MERGE_SLASHES, NormalizationType.DECODE_AND_MERGE_SLASHES):
        made.merge_slashes = True
    if kind is NormalizationType.DECODE_AND_MERGE_SLASHES:
        made.path_with_escaped_slashes_action = "UNESCAPE_AND_FORWARD"
    else:
        made.path_with_escaped_slashes_action = "KEEP_UNCHANGED"


def _set_edge(made: Any, edge: Edge) -> None:
    made.server_name = edge.server_name
    made.use_remote_address.value = edge.use_remote_address
    made.xff_num_trusted_hops = edge.xff_trusted_hops
    if edge.forward_client_cert is not ForwardClientCertDetails.UNDEFINED:
        made.forward_client_cert_details = edge.forward_client_cert.value
        made.strip_trailing_host_dot = True  # `a.example.` is `a.example`, also to policies
    _set_client_cert_details(made, edge.client_cert_details)
    if edge.accept_http10:
        made.http_protocol_options.accept_http_10 = True
    if edge.is_forward_proxy:
        made.http_protocol_options.allow_absolute_url.value = True


def _set_client_cert_details(made: Any, details: Sequence[str]) -> None:
    wanted = made.set_current_client_cert_details
    for detail in details:
        if detail == "subject":
            wanted.subject.value = True
        else:
            setattr(wanted, detail, True)
