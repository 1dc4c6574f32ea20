"""Which traffic policy holds for one port of a service or subset.

    mesh default  <  top level  <  its port level  <  subset  <  its port level

Layers replace each other block by block. A port entry replaces the four blocks that it can hold
even where it leaves them empty: Istio's port level settings do not inherit.
"""

from msgspec.structs import replace

from lateen.api.destination_rule import Subset, TrafficPolicy

EMPTY = TrafficPolicy()


def effective_policy(
    policy: TrafficPolicy | None,
    subset: Subset | None,
    *,
    port: int,
    default: TrafficPolicy | None = None,
) -> TrafficPolicy:
    """The result has no port level settings of its own."""
    merged = _at_port(policy, port) if policy else EMPTY
    if subset and subset.traffic_policy:
        merged = _overlay(merged, subset.traffic_policy, port)
    if default:
        merged = replace(
            merged,
            connection_pool=merged.connection_pool or default.connection_pool,
            outlier_detection=merged.outlier_detection or default.outlier_detection,
        )
    return merged


def _overlay(base: TrafficPolicy, upper: TrafficPolicy, port: int) -> TrafficPolicy:
    merged = TrafficPolicy(
        load_balancer=upper.load_balancer or base.load_balancer,
        connection_pool=upper.connection_pool or base.connection_pool,
        outlier_detection=upper.outlier_detection or base.outlier_detection,
        tls=upper.tls or base.tls,
        port_level_settings=upper.port_level_settings,
        tunnel=upper.tunnel or base.tunnel,
        proxy_protocol=upper.proxy_protocol or base.proxy_protocol,
        retry_budget=upper.retry_budget or base.retry_budget,
    )
    return _at_port(merged, port)


def _at_port(policy: TrafficPolicy, port: int) -> TrafficPolicy:
    for entry in policy.port_level_settings:
        if entry.port and entry.port.number == port:
            return replace(
                policy,
                load_balancer=entry.load_balancer,
                connection_pool=entry.connection_pool,
                outlier_detection=entry.outlier_detection,
                tls=entry.tls,
                port_level_settings=(),
            )
    return replace(policy, port_level_settings=()) if policy.port_level_settings else policy
