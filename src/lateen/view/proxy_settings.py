"""What a proxy's ProxyConfig says of requests and connections, for everything made from it.

the proxy's own (node metadata PROXY_CONFIG)  ->  MeshConfig.defaultConfig

A block (`gatewayTopology`, `proxyHeaders`, `connectionSettings`) is taken whole from the first of
the two that has it. The functions here read the mesh configuration and are cheap: callers are
memoised, not they.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from msgspec import structs

from lateen.api.duration import Duration
from lateen.api.mesh_proxy_config import (
    ConnectionProfile,
    ConnectionSettings,
    EscapedSlashesAction,
    ProxyConfig,
    ProxyHeaders,
    Topology,
    UnderscoresAction,
)
from lateen.config.decode import decode
from lateen.gateway_api import client_certificate
from lateen.view.mesh import Mesh
from lateen.view.proxy import Families, ProxyClass, ProxyKind

PROXY_CONFIG = "PROXY_CONFIG"
IDLE_TIMEOUT = "IDLE_TIMEOUT"
CLIENT_FILES = ("TLS_CLIENT_CERT_CHAIN", "TLS_CLIENT_KEY", "TLS_CLIENT_ROOT_CERT")
NETWORK_VIEW = "REQUESTED_NETWORK_VIEW"  # node metadata
# Envoy's advice for proxies at the edge, which the profile EDGE gives to gateways.
EDGE = ConnectionSettings(
    listener_per_connection_buffer_limit_bytes=32768,
    cluster_per_connection_buffer_limit_bytes=32768,
    http_idle_timeout=Duration.parse("1h"),
    http_stream_idle_timeout=Duration.parse("5m"),
    http_request_timeout=Duration.parse("5m"),
    http_request_headers_timeout=Duration.parse("60s"),
    http_max_concurrent_streams=100,
    http2_initial_stream_window_size=65536,
    http2_initial_connection_window_size=1048576,
    http_headers_with_underscores_action=UnderscoresAction.REJECT_REQUEST,
    http_merge_slashes=True,
    http_path_with_escaped_slashes_action=EscapedSlashesAction.UNESCAPE_AND_REDIRECT,
)


class CertificateFiles(NamedTuple):
    """Where a proxy that does not use the mesh's certificates finds its own (TLS_CLIENT_*)."""

    chain: str
    key: str
    roots: str


@dataclass(frozen=True, slots=True)
class ClientTraits:
    """The part of the settings that routes, clusters and listeners on the way out depend on."""

    hides_attempts: bool = False  # no x-envoy-attempt-count
    tells_host: bool = False  # x-forwarded-host where the host is rewritten
    preserves_case: bool = False  # of HTTP/1.1 header names
    cluster_buffer_bytes: int = 0  # 0: Envoy's own
    networks: frozenset[str] = frozenset()  # whose endpoints it may use; empty: all
    families: Families = Families.IPV4  # of addresses that names are looked up for
    idle_timeout: Duration | None = None  # of TCP connections of which no policy says more
    files: CertificateFiles | None = None  # in place of the workload's certificate
    client_certificate: str = ""  # credential for backends with a policy; empty: none


PLAIN = ClientTraits()


def topology(mesh: Mesh, proxy_class: ProxyClass) -> Topology:
    return _own(proxy_class).gateway_topology or _default(mesh).gateway_topology or Topology()


def headers(mesh: Mesh, proxy_class: ProxyClass) -> ProxyHeaders:
    return _own(proxy_class).proxy_headers or _default(mesh).proxy_headers or ProxyHeaders()


def connections(mesh: Mesh, proxy_class: ProxyClass) -> ConnectionSettings:
    found = _own(proxy_class).connection_settings or _default(mesh).connection_settings
    if found is None:
        return ConnectionSettings()
    if found.profile is ConnectionProfile.EDGE and proxy_class.kind is ProxyKind.ROUTER:
        return _laid_over(EDGE, found)
    return found


def client_traits(mesh: Mesh, proxy_class: ProxyClass) -> ClientTraits:
    written = headers(mesh, proxy_class)
    return ClientTraits(
        hides_attempts=written.attempt_count is not None and bool(written.attempt_count.disabled),
        tells_host=written.x_forwarded_host is not None and bool(written.x_forwarded_host.enabled),
        preserves_case=bool(written.preserve_http1_header_case),
        cluster_buffer_bytes=(
            connections(mesh, proxy_class).cluster_per_connection_buffer_limit_bytes or 0
        ),
        networks=_networks(proxy_class),
        families=proxy_class.families,
        idle_timeout=_idle_timeout(proxy_class),
        files=_files(proxy_class),
        client_certificate=_client_certificate(mesh, proxy_class),
    )


def _client_certificate(mesh: Mesh, proxy_class: ProxyClass) -> str:
    """What the Gateway that the proxy was made for shows to backends."""
    gateway = proxy_class.label(client_certificate.GATEWAY_NAME)
    if gateway is None or proxy_class.kind is not ProxyKind.ROUTER:
        return ""
    return client_certificate.credential(mesh, proxy_class.namespace, gateway)


def relevant(proxy_class: ProxyClass) -> tuple[tuple[str, str], ...]:
    """The metadata that `headers` and `connections` read, for classes that are narrowed."""
    own = _own(proxy_class)
    if own.proxy_headers is None and own.connection_settings is None:
        return ()
    return tuple(pair for pair in proxy_class.settings if pair[0] == PROXY_CONFIG)


def _networks(proxy_class: ProxyClass) -> frozenset[str]:
    written = dict(proxy_class.settings).get(NETWORK_VIEW, "")
    return frozenset(name.strip() for name in written.split(",") if name.strip())


def _idle_timeout(proxy_class: ProxyClass) -> Duration | None:
    """None also for what is no duration, as in Istio."""
    try:
        return Duration.parse(dict(proxy_class.settings).get(IDLE_TIMEOUT, ""))
    except ValueError:
        return None


def _files(proxy_class: ProxyClass) -> CertificateFiles | None:
    written = dict(proxy_class.settings)
    chain, key, roots = (written.get(name, "") for name in CLIENT_FILES)
    return CertificateFiles(chain, key, roots) if chain and key else None


def _default(mesh: Mesh) -> ProxyConfig:
    return mesh.config.default_config or ProxyConfig()


def _own(proxy_class: ProxyClass) -> ProxyConfig:
    return _decoded(dict(proxy_class.settings).get(PROXY_CONFIG) or "{}")


@lru_cache(maxsize=1024)
def _decoded(written: str) -> ProxyConfig:
    """What a proxy says of itself; nothing when that cannot be read."""
    try:
        tree = json.loads(written)
    except ValueError:
        return ProxyConfig()
    made, _ = decode(tree, ProxyConfig, path="", strict=False)
    return made or ProxyConfig()


def _laid_over(base: ConnectionSettings, written: ConnectionSettings) -> ConnectionSettings:
    """`base` with every field that is written."""
    blank = ConnectionSettings()
    chosen = {
        name: getattr(written, name)
        for name in ConnectionSettings.__struct_fields__
        if getattr(written, name) != getattr(blank, name)
    }
    return structs.replace(base, **chosen)
