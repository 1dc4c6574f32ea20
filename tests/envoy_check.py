"""Whether the real Envoy accepts generated resources: `envoy --mode validate`, many at once.

    assert_accepted(listeners=[...], clusters=[...], routes=[...], endpoints=[...])

Each argument takes messages or their bytes. Nothing is opened or connected to. Discovery services
are named in the bootstrap, so ADS, EDS, RDS and SDS references stay as they are; what would arrive
by them (routes, endpoints) is put into a listener or cluster of its own.
"""

import ipaddress
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lateen.envoy import messages, schema, types

TIMEOUT_SECONDS = 60
STATS_LOGGER = "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config"
HCM = (
    "type.googleapis.com/envoy.extensions.filters.network."
    "http_connection_manager.v3.HttpConnectionManager"
)
TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"


def assert_accepted(
    *,
    listeners: Iterable[Any] = (),
    clusters: Iterable[Any] = (),
    routes: Iterable[Any] = (),
    endpoints: Iterable[Any] = (),
    secrets: Iterable[Any] = (),
) -> None:
    """One run for all of them; the failure carries Envoy's own words."""
    complaint = rejection(
        listeners=listeners, clusters=clusters, routes=routes, endpoints=endpoints, secrets=secrets
    )
    assert complaint is None, f"Envoy refuses it: {complaint}"


def rejection(
    *,
    listeners: Iterable[Any] = (),
    clusters: Iterable[Any] = (),
    routes: Iterable[Any] = (),
    endpoints: Iterable[Any] = (),
    secrets: Iterable[Any] = (),
) -> str | None:
    """What Envoy says against the resources; None when it accepts them all."""
    config = bootstrap()
    static = config.static_resources
    for listener in _read(listeners, types.Listener):
        _strip_listener(listener)
        static.listeners.append(listener)
    for cluster in _read(clusters, types.Cluster):
        _localize_secrets(cluster)
        static.clusters.append(cluster)
    for index, route in enumerate(_read(routes, types.RouteConfiguration)):
        static.listeners.append(_listener_of(route, index))
    for index, assignment in enumerate(_read(endpoints, types.ClusterLoadAssignment)):
        static.clusters.append(_cluster_of(assignment, index))
    static.secrets.extend(_read(secrets, types.Secret))
    return validate(config)


def validate(config: Any) -> str | None:
    """Runs Envoy over a Bootstrap; its complaint, or None."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bootstrap.pb")
        path.write_bytes(messages.serialize(config))
        done = subprocess.run(
            [
                str(schema.binary()), "--mode", "validate", "--config-path", str(path),
                "--disable-hot-restart", "--log-level", "error",
            ],
            capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
    if done.returncode == 0:
        return None
    lines = (done.stderr + done.stdout).splitlines()
    said = [line for line in lines if line.strip() and "[backtrace]" not in line]
    if done.returncode < 0:
        said.append(f"it crashed (signal {-done.returncode})")
    return "\n".join(said[-5:]) or f"exit code {done.returncode}"


def bootstrap() -> Any:
    """A proxy's bootstrap with the clusters that generated resources refer to."""
    config = types.Bootstrap()
    config.node.id = "sidecar~127.0.0.1~check.default~default.svc.cluster.local"
    config.node.cluster = "check"
    for name in ("xds-grpc", "sds-grpc", "agent", "prometheus_stats"):
        config.static_resources.clusters.append(_helper_cluster(name))
    ads = config.dynamic_resources.ads_config
    ads.api_type = "DELTA_GRPC"
    ads.transport_api_version = "V3"
    ads.grpc_services.add().envoy_grpc.cluster_name = "xds-grpc"
    return config


def _helper_cluster(name: str) -> Any:
    cluster = types.Cluster(name=name, type="STATIC")
    cluster.connect_timeout.CopyFrom(messages.seconds(1))
    options = types.UpstreamHttpProtocolOptions()
    options.explicit_http_config.http2_protocol_options.SetInParent()
    cluster.typed_extension_protocol_options[
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    ].CopyFrom(messages.pack(options))
    cluster.load_assignment.cluster_name = name
    address = cluster.load_assignment.endpoints.add().lb_endpoints.add().endpoint.address
    address.pipe.path = f"./{name}.sock"
    return cluster


def _read(resources: Iterable[Any], kind: Any) -> list[Any]:
    """Copies, so that what the caller holds stays as it is."""
    made = []
    for resource in resources:
        message = kind()
        if isinstance(resource, bytes):
            message.ParseFromString(resource)
        else:
            message.CopyFrom(resource)
        made.append(message)
    return made


def _listener_of(route: Any, index: int) -> Any:
    manager = types.HttpConnectionManager(stat_prefix="check")
    manager.route_config.CopyFrom(route)
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.CopyFrom(messages.pack(types.Router()))
    listener = types.Listener(name=f"check-route-{index}")
    listener.address.socket_address.address = "127.0.0.1"
    listener.address.socket_address.port_value = index + 1  # never opened
    listener.enable_reuse_port.value = True
    chain = listener.filter_chains.add()
    chain.filters.add(name="http").typed_config.CopyFrom(messages.pack(manager))
    return listener


def _cluster_of(assignment: Any, index: int) -> Any:
    cluster = types.Cluster(name=f"check-endpoints-{index}", type="STATIC")
    cluster.connect_timeout.CopyFrom(messages.seconds(1))
    cluster.load_assignment.CopyFrom(assignment)
    addresses = [
        endpoint.endpoint.address.socket_address.address
        for locality in assignment.endpoints
        for endpoint in locality.lb_endpoints
        if endpoint.endpoint.address.HasField("socket_address")
    ]
    if not all(_is_ip(address) for address in addresses):
        cluster.type = "STRICT_DNS"
    return cluster


def _localize_secrets(cluster: Any) -> None:
    """A static cluster comes before ADS; validation crashes where its secrets come from there."""
    for match in cluster.transport_socket_matches:
        _localize_socket(match.transport_socket)
    if cluster.HasField("transport_socket"):
        _localize_socket(cluster.transport_socket)


def _localize_socket(socket: Any) -> None:
    kind = socket.typed_config.type_url.rpartition(".")[2]
    if kind not in ("UpstreamTlsContext", "ProxyProtocolUpstreamTransport"):
        return
    inner = messages.unpack(socket.typed_config)
    if kind == "ProxyProtocolUpstreamTransport":
        _localize_socket(inner.transport_socket)
    else:
        common = inner.common_tls_context
        for secret in common.tls_certificate_sds_secret_configs:
            _localize_source(secret.sds_config)
        if common.HasField("combined_validation_context"):
            secret = common.combined_validation_context.validation_context_sds_secret_config
            _localize_source(secret.sds_config)
    socket.typed_config.CopyFrom(messages.pack(inner))


def _localize_source(source: Any) -> None:
    if source.HasField("ads"):
        source.api_config_source.api_type = "GRPC"
        source.api_config_source.transport_api_version = "V3"
        source.api_config_source.grpc_services.add().envoy_grpc.cluster_name = "sds-grpc"


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _strip_listener(listener: Any) -> None:
    """Validation (not running) crashes where a stats logger shares its scope by name."""
    _strip_logs(listener.access_log)
    chains = list(listener.filter_chains)
    if listener.HasField("default_filter_chain"):
        chains.append(listener.default_filter_chain)
    for chain in chains:
        for network_filter in chain.filters:
            if network_filter.typed_config.type_url in (HCM, TCP_PROXY):
                inner = messages.unpack(network_filter.typed_config)
                _strip_logs(inner.access_log)
                network_filter.typed_config.CopyFrom(messages.pack(inner))


def _strip_logs(logs: Any) -> None:
    for entry in logs:
        if entry.typed_config.type_url == STATS_LOGGER:
            logger = messages.unpack(entry.typed_config)
            logger.stats_scope.sharing_name = ""
            entry.typed_config.CopyFrom(messages.pack(logger))
