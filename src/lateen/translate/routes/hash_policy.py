"""Consistent hashing: what of a request chooses the endpoint, from the DestinationRule's policy.

The ring itself belongs to the cluster; the route says what is hashed. The source address alone is
possible for TCP.
"""

from typing import Any

from lateen.api.destination_rule import ConsistentHashLB
from lateen.envoy import messages, types
from lateen.translate.clusters.policy import load_balancer
from lateen.translate.clusters.policy.resolve import destination_policy
from lateen.view.destination_rule import destination_rule
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope


def consistent_hash(
    mesh: Mesh, scope: OutboundScope, hostname: str, namespace: str, subset: str, port: int
) -> ConsistentHashLB | None:
    """The hash settings that govern one destination, or None. `namespace` is its service's."""
    if destination_rule(mesh, scope, hostname, namespace) is None:
        return None
    policy = destination_policy(mesh, scope, hostname, namespace, subset, port)
    return load_balancer.consistent_hash(policy)


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
