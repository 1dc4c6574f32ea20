"""The ClusterLoadAssignment of one cluster, seen from one scope."""

from collections.abc import Iterable

from lateen.api.destination_rule import TLSmode, TrafficPolicy
from lateen.base.incremental import Node, derived
from lateen.catalog.service import Endpoint, Locality, Registry, Resolution
from lateen.envoy import wire
from lateen.translate import names
from lateen.translate.clusters.policy.locality import spread
from lateen.translate.clusters.target import Target, find_target
from lateen.translate.endpoints.part import (
    LOCALITY_WEIGHT,
    PRIORITY,
    Part,
    Selection,
    chosen,
    groups,
    make_part,
    part,
)
from lateen.translate.endpoints.ranking import (
    Ranking,
    compacted,
    distance,
    distributed,
    rank,
    ranking,
)
from lateen.view.cluster_local import is_cluster_local
from lateen.view.mesh import Mesh
from lateen.view.networks import gateways
from lateen.view.outbound_scope import OutboundScope, rule_scope
from lateen.view.proxy import ProxyClass

CLUSTER_NAME, ENDPOINTS = 1, 2  # fields of ClusterLoadAssignment
BY_NAME = (Resolution.DNS, Resolution.DNS_ROUND_ROBIN, Resolution.DYNAMIC_DNS)
FEW = 64  # endpoints of a port that cost less to make again than to remember by locality


def cell(mesh: Mesh, proxy_class: ProxyClass, cluster_name: str) -> Node:
    """The memo that all proxies of the class's scope share."""
    return assignment.node(mesh, rule_scope(mesh, proxy_class), cluster_name)


def endpoints(mesh: Mesh, proxy_class: ProxyClass, cluster_name: str) -> bytes | None:
    return assignment(mesh, rule_scope(mesh, proxy_class), cluster_name)


@derived
def assignment(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bytes | None:
    """None of a cluster that the scope does not know, or no longer."""
    target = find_target(mesh, scope, cluster_name)
    if target is None:
        return None
    policy = target.policy(mesh.config)
    is_single = target.service.resolution is Resolution.DNS_ROUND_ROBIN
    ranks = None if is_single else ranking(spread(mesh.config, policy, target.service), scope)
    selected = selection(mesh, target, policy, scope)
    return joined(mesh, cluster_name, selected, ranks, is_single)


@derived
def joined(
    mesh: Mesh, cluster_name: str, selected: Selection, ranks: Ranking | None, is_single: bool
) -> bytes:
    """Shared by all scopes that are sent the same endpoints in the same order."""
    if is_single:
        body = _single(mesh, selected)
    elif ranks is None:
        body = _joined((of, 0) for _, of in _parts(mesh, selected))
    else:
        body = _ranked(mesh, selected, ranks)
    return wire.text(CLUSTER_NAME, cluster_name) + body


@derived
def exist(mesh: Mesh, scope: OutboundScope, cluster_name: str) -> bool:
    """Whether the cluster has any endpoint."""
    target = find_target(mesh, scope, cluster_name)
    if target is None:
        return False
    return bool(_parts(mesh, selection(mesh, target, target.policy(mesh.config), scope)))


def selection(mesh: Mesh, target: Target, policy: TrafficPolicy, scope: OutboundScope) -> Selection:
    service = target.service
    # Names are resolved where the client is: only addresses can be behind a gateway.
    is_split = bool(gateways(mesh)) and service.resolution not in BY_NAME
    labels = target.subset.labels if target.subset else {}
    return Selection(
        hostname=service.hostname,
        namespace=service.namespace,
        port_name=target.port.name,
        labels=tuple(sorted(labels.items())),
        is_mutual=policy.tls is None or policy.tls.mode is TLSmode.ISTIO_MUTUAL,
        only_mutual=names.is_server_name(target.name),
        states_health=service.registry is Registry.KUBERNETES,
        node=scope.node if service.internal_traffic_policy_local else None,
        cluster=scope.cluster if is_cluster_local(mesh, service.hostname) else None,
        network=scope.network if is_split else None,
        networks=scope.traits.networks if is_split else frozenset(),
    )


# -- joining -----------------------------------------------------------------------------------


def _parts(mesh: Mesh, selection: Selection) -> list[tuple[Locality, Part]]:
    """A few endpoints are made on the spot; of many, only a locality that changed is made anew."""
    known = groups(mesh, selection.hostname, selection.namespace, selection.port_name)
    if sum(len(endpoints) for _, endpoints in known) <= FEW:
        made = (
            (place, make_part(mesh, selection, place, chosen(mesh, selection, endpoints)))
            for place, endpoints in known
        )
    else:
        made = ((place, part(mesh, selection, place)) for place, _ in known)
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
    known = groups(mesh, selection.hostname, selection.namespace, selection.port_name)
    for place, members in known:
        if first := chosen(mesh, selection, members)[:1]:
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
    priorities = compacted(each for _, each in found)
    return _joined((of, priorities[each]) for of, each in found)


def _ranked_by_labels(mesh: Mesh, selection: Selection, ranks: Ranking) -> bytes:
    """A locality can fall apart into several ranks."""
    found: list[tuple[Part, int]] = []
    known = groups(mesh, selection.hostname, selection.namespace, selection.port_name)
    for place, members in known:
        split: dict[int, list[Endpoint]] = {}
        for endpoint in chosen(mesh, selection, members):
            split.setdefault(rank(endpoint, ranks), []).append(endpoint)
        found.extend(
            (make_part(mesh, selection, place, tuple(split[each])), each) for each in sorted(split)
        )
    priorities = compacted(each for _, each in found)
    return _joined((of, priorities[each]) for of, each in found)
