"""The ClusterLoadAssignment of one cluster, seen from one scope."""

from collections.abc import Iterable
from dataclasses import replace

from lateen.api.destination_rule import TLSmode, TrafficPolicy
from lateen.base.incremental import Node, derived
from lateen.catalog.service import Endpoint, Locality, Registry, Resolution, Service
from lateen.envoy import wire
from lateen.translate import names
from lateen.translate.clusters.policy.locality import spread
from lateen.translate.clusters.policy.resolve import destination_policy
from lateen.translate.endpoints.part import (
    LOCALITY_WEIGHT,
    PRIORITY,
    Part,
    Selection,
    chosen,
    localities,
    make_part,
    part,
)
from lateen.translate.endpoints.ranking import (
    Ranking,
    compacted,
    distance,
    distributed,
    label_rank,
    ranking,
)
from lateen.view.destination_rule import destination_rule
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import OutboundScope, find_service, outbound_scope

CLUSTER_NAME, ENDPOINTS = 1, 2  # fields of ClusterLoadAssignment


def cell(mesh: Mesh, proxy_class: ProxyClass, cluster_name: str) -> Node:
    """The memo that all proxies of the class's scope share."""
    return assignment.node(mesh, outbound_scope(mesh, proxy_class), cluster_name)


@derived
def endpoints(mesh: Mesh, proxy_class: ProxyClass, cluster_name: str) -> bytes:
    """Of a cluster that nobody knows: an assignment without endpoints, so that Envoy goes on."""
    return assignment(mesh, outbound_scope(mesh, proxy_class), cluster_name)


@derived
def assignment(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bytes:
    anywhere = scope.anywhere()
    if anywhere != scope and not depends_on_place(mesh, anywhere, cluster_name):
        return assignment(mesh, anywhere, cluster_name)
    return wire.text(CLUSTER_NAME, cluster_name) + assignment_body(mesh, scope, cluster_name)


@derived
def depends_on_place(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bool:
    """Whether two clients of equal rights can be sent different endpoints."""
    found = _lookup(mesh, scope, cluster_name)
    if found is None:
        return False
    service, policy, _ = found
    if service.internal_traffic_policy_local:
        return True
    found_spread = spread(mesh.config, policy, service)
    setting = found_spread.setting
    return setting is not None and (found_spread.ranks or bool(setting.distribute))


def assignment_body(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bytes:
    """The field `endpoints`, without the name; empty when there are none."""
    found = _lookup(mesh, scope, cluster_name)
    if found is None:
        return b""
    service, policy, selection = found
    if service.resolution is Resolution.DNS_ROUND_ROBIN:
        return _single(mesh, selection)
    ranks = ranking(spread(mesh.config, policy, service), scope)
    if ranks is None:
        return _joined((of, 0) for _, of in _parts(mesh, selection))
    return _ranked(mesh, selection, ranks)


@derived
def exist(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bool:
    """Whether the cluster has any endpoint."""
    found = _lookup(mesh, scope, cluster_name)
    return found is not None and bool(_parts(mesh, found[2]))


def _lookup(
    mesh: Mesh, scope: OutboundScope, cluster_name: str
) -> tuple[Service, TrafficPolicy, Selection] | None:
    parsed = names.parse_cluster(cluster_name)
    if parsed is None or parsed.direction != "outbound":
        return None
    service = find_service(mesh, scope, parsed.host)
    port = service.port(parsed.port) if service else None
    if service is None or port is None:
        return None
    labels = subset_labels(mesh, scope, service, parsed.subset)
    if labels is None:
        return None
    policy = destination_policy(
        mesh, scope, service.hostname, service.namespace, parsed.subset, parsed.port
    )
    selection = Selection(
        hostname=service.hostname,
        namespace=service.namespace,
        port_name=port.name,
        labels=labels,
        is_mutual=policy.tls is None or policy.tls.mode is TLSmode.ISTIO_MUTUAL,
        only_mutual=names.is_server_name(cluster_name),
        states_health=service.registry is Registry.KUBERNETES,
    )
    if service.internal_traffic_policy_local:
        selection = replace(selection, node=scope.node)
    return service, policy, selection


def subset_labels(
    mesh: Mesh, scope: OutboundScope, service: Service, subset: str
) -> tuple[tuple[str, str], ...] | None:
    """None when no DestinationRule defines the subset."""
    if not subset:
        return ()
    rule = destination_rule(mesh, scope, service.hostname, service.namespace)
    found = rule.subset(subset) if rule else None
    return tuple(sorted(found.labels.items())) if found else None


# -- joining -----------------------------------------------------------------------------------


def _parts(mesh: Mesh, selection: Selection) -> list[tuple[Locality, Part]]:
    places = localities(mesh, selection.hostname, selection.namespace, selection.port_name)
    made = ((place, part(mesh, selection, place)) for place in places)
    return [(place, of) for place, of in made if of.size]


def _joined(parts: Iterable[tuple[Part, int]]) -> bytes:
    return b"".join(
        wire.embedded(
            ENDPOINTS,
            of.body
            + wire.uint32_value(LOCALITY_WEIGHT, of.weight)
            + wire.number(PRIORITY, priority),
        )
        for of, priority in parts
    )


def _single(mesh: Mesh, selection: Selection) -> bytes:
    """The first endpoint alone: Envoy resolves one name where it uses one answer at a time."""
    for place, _ in _parts(mesh, selection):
        first = chosen(mesh, selection, place)[:1]
        return _joined([(make_part(mesh, selection, place, first), 0)])
    return b""


def _ranked(mesh: Mesh, selection: Selection, ranks: Ranking) -> bytes:
    if ranks.labels:
        return _ranked_by_labels(mesh, selection, ranks)
    parts = _parts(mesh, selection)
    if ranks.weights:
        return _joined((of, 0) for _, of in distributed(parts, ranks.weights))
    client = ranks.locality or Locality()
    found = [(of, distance(client, place, ranks.failover_region)) for place, of in parts]
    priorities = compacted(rank for _, rank in found)
    return _joined((of, priorities[rank]) for of, rank in found)


def _ranked_by_labels(mesh: Mesh, selection: Selection, ranks: Ranking) -> bytes:
    """A locality can fall apart into several ranks."""
    found: list[tuple[Part, int]] = []
    for place in localities(mesh, selection.hostname, selection.namespace, selection.port_name):
        split: dict[int, list[Endpoint]] = {}
        for endpoint in chosen(mesh, selection, place):
            split.setdefault(label_rank(endpoint, ranks.labels), []).append(endpoint)
        found.extend(
            (make_part(mesh, selection, place, tuple(split[rank])), rank) for rank in sorted(split)
        )
    priorities = compacted(rank for _, rank in found)
    return _joined((of, priorities[rank]) for of, rank in found)
