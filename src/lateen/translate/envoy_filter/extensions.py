"""Extensions that Istio's proxy has and the stock Envoy has not, and what stands in for them.

A value that needs one of them is refused with the name of its replacement. A match by the name of
a filter that Istio always generates is understood as the place where that filter would stand.
"""

from typing import Any

from lateen.config.validation.envoy_filter import DEPRECATED_NAMES

STATS = "istio.stats"
METADATA_EXCHANGE = "istio.metadata_exchange"
ROUTER = "envoy.filters.http.router"

TELEMETRY = "use a Telemetry resource; the metrics are generated without this filter"
IDENTITY = "leave it out; peers are known by their certificate's identity"
TCP = "use envoy.filters.network.tcp_proxy; this protocol's filter is not in the stock Envoy"
LUA = "use envoy.filters.http.lua, ext_proc or a Wasm filter with envoy.wasm.runtime.v8"

# By the name of a filter, or by the type of its configuration.
REPLACEMENTS = {
    "istio.stats": TELEMETRY,
    "stats.PluginConfig": TELEMETRY,
    "istio.alpn": "leave it out; clients of the mesh offer Istio's protocols without it",
    "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig": (
        "leave it out; clients of the mesh offer Istio's protocols without it"
    ),
    "istio.metadata_exchange": IDENTITY,
    "envoy.filters.network.metadata_exchange": IDENTITY,
    "envoy.filters.network.upstream.metadata_exchange": IDENTITY,
    "envoy.tcp.metadataexchange.config.MetadataExchange": IDENTITY,
    "io.istio.http.peer_metadata.Config": IDENTITY,
    "istio_authn": "use PeerAuthentication and RequestAuthentication",
    "istio.envoy.config.filter.http.authn.v2alpha1.FilterConfig": (
        "use PeerAuthentication and RequestAuthentication"
    ),
    "istio.hashable_string": "use envoy.hashable_string",
    "envoy.filters.network.mysql_proxy": TCP,
    "envoy.extensions.filters.network.mysql_proxy.v3.MySQLProxy": TCP,
    "envoy.filters.network.postgres_proxy": TCP,
    "envoy.extensions.filters.network.postgres_proxy.v3alpha.PostgresProxy": TCP,
    "envoy.filters.network.kafka_broker": TCP,
    "envoy.extensions.filters.network.kafka_broker.v3.KafkaBroker": TCP,
    "envoy.filters.network.rocketmq_proxy": TCP,
    "envoy.filters.network.sip_proxy": TCP,
    "envoy.filters.http.golang": LUA,
    "envoy.extensions.filters.http.golang.v3alpha.Config": LUA,
    "envoy.filters.network.golang": LUA,
}
RUNTIMES = ("envoy.wasm.runtime.v8", "envoy.wasm.runtime.null")
BUILT_IN_PLUGINS = {"envoy.wasm.stats": TELEMETRY, "envoy.wasm.metadata_exchange": IDENTITY}


def is_named(written: str, name: str) -> bool:
    """Whether a match by name means the filter; deprecated names mean their successors."""
    return name in (written, DEPRECATED_NAMES.get(written))


def replacement(name: str) -> str:
    """The hint for an extension that is not in the stock Envoy; empty for every other."""
    return REPLACEMENTS.get(name, "")


def place_of_absent(written: str, filters: Any) -> int | None:
    """Where a filter that only Istio's proxy has would stand in this chain of HTTP filters.

    Istio's metadata exchange comes first and its statistics last before the router.
    """
    if written == METADATA_EXCHANGE:
        return 0
    if written == STATS:
        return next((at for at, each in enumerate(filters) if each.name == ROUTER), len(filters))
    return None
