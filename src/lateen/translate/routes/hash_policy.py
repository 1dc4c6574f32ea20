"""Consistent hashing: what of a request chooses the endpoint, from the DestinationRule's policy.

The ring itself belongs to the cluster; the route says what is hashed. The source address alone is
possible for TCP.
"""

from typing import Any

from lateen.api.destination_rule import ConsistentHashLB, LoadBalancerSettings, TrafficPolicy
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.view import destination_rule
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope, find_service


@derived
def consistent_hash(
    mesh: Mesh, scope: OutboundScope, hostname: str, subset: str, port: int
) -> ConsistentHashLB | None:
    """The hash settings that govern one destination, or None."""
    service = find_service(mesh, scope, hostname)
    namespace = service.namespace if service is not None else ""
    policy = destination_rule.destination_rule(mesh, scope, hostname, namespace)
    settings = _mesh_default(mesh)
    if policy is not None:
        settings = _load_balancer(policy.traffic_policy, port) or settings
        chosen = policy.subset(subset) if subset else None
        if chosen is not None:
            settings = _load_balancer(chosen.traffic_policy, port) or settings
    return settings.consistent_hash if settings is not None else None


def hash_policy(settings: ConsistentHashLB) -> Any | None:
    """None when the settings name nothing to hash."""
    made = types.HashPolicy()
    if settings.http_header_name:
        made.header.header_name = settings.http_header_name
    elif settings.http_cookie is not None:
        cookie = settings.http_cookie
        made.cookie.name = cookie.name
        made.cookie.path = cookie.path
        if cookie.ttl is not None:
            made.cookie.ttl.CopyFrom(messages.duration(cookie.ttl))
        for attribute in cookie.attributes:
            made.cookie.attributes.add(name=attribute.name, value=attribute.value)
    elif settings.use_source_ip:
        made.connection_properties.source_ip = True
    elif settings.http_query_parameter_name:
        made.query_parameter.name = settings.http_query_parameter_name
    else:
        return None
    return made


def _mesh_default(mesh: Mesh) -> LoadBalancerSettings | None:
    default = mesh.config.default_traffic_policy
    return default.load_balancer if default is not None else None


def _load_balancer(policy: TrafficPolicy | None, port: int) -> LoadBalancerSettings | None:
    """A policy of the port stands for the whole, even where it leaves the load balancer out."""
    if policy is None:
        return None
    for of_port in policy.port_level_settings:
        if of_port.port is not None and of_port.port.number == port:
            return of_port.load_balancer
    return policy.load_balancer
