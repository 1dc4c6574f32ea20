"""Clusters whose endpoints are names: resolved all (STRICT_DNS), one (LOGICAL_DNS), or on demand.

The endpoints travel inside the cluster (`load_assignment`); a service without any has no cluster.
"""

from functools import cache
from typing import Any

from lateen.api.duration import Duration
from lateen.api.mesh_config import MeshConfig
from lateen.envoy import messages, types
from lateen.envoy.messages import duration

JITTER = Duration.parse("100ms")  # so that proxies do not ask at the same moment
MAX_QUERIES = 100  # per UDP socket: a resolver that drops one would otherwise block all
RESOLVER = "envoy.network.dns_resolver.cares"
DYNAMIC_CLUSTER = "envoy.clusters.dynamic_forward_proxy"
# Envoy insists that caches of one name are alike.
CACHES = {"V4_ONLY": "dynamic-dns", "V6_ONLY": "dynamic-dns-v6", "ALL": "dynamic-dns-dual"}


def apply_dns(cluster: Any, config: MeshConfig, *, family: str) -> None:
    """`family`: V4_ONLY, V6_ONLY or ALL."""
    if config.dns_refresh_rate is not None:
        cluster.dns_refresh_rate.CopyFrom(duration(config.dns_refresh_rate))
    cluster.dns_jitter.CopyFrom(duration(JITTER))
    cluster.respect_dns_ttl = True
    cluster.dns_lookup_family = family
    cluster.typed_dns_resolver_config.CopyFrom(_resolver())


@cache
def _resolver() -> Any:
    resolver = types.CaresDnsResolverConfig()
    resolver.udp_max_queries.value = MAX_QUERIES
    made = types.TypedExtensionConfig(name=RESOLVER)
    made.typed_config.CopyFrom(messages.pack(resolver))
    return made


@cache
def dynamic_cache(family: str) -> Any:
    """The DnsCacheConfig that a dynamic cluster and the filter before it must share."""
    made = types.DnsCacheConfig(name=CACHES[family], dns_lookup_family=family)
    made.typed_dns_resolver_config.CopyFrom(_resolver())
    return made


def apply_dynamic(cluster: Any, *, checks_names: bool, family: str) -> None:
    """The name comes with each request or connection: dynamic forward proxy.

    Envoy insists that TLS to such a cluster checks the name, unless told that this is meant.
    """
    cluster.lb_policy = "CLUSTER_PROVIDED"
    cluster.cluster_type.name = DYNAMIC_CLUSTER
    cluster.cluster_type.typed_config.CopyFrom(_dynamic_config(checks_names, family))


@cache
def _dynamic_config(checks_names: bool, family: str) -> Any:
    made = types.DynamicForwardProxyCluster(allow_insecure_cluster_options=not checks_names)
    made.dns_cache_config.CopyFrom(dynamic_cache(family))
    return messages.pack(made)
