"""The endpoints of one locality as bytes, and which endpoints a cluster has at all."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lateen.base.incremental import derived
from lateen.catalog.service import Endpoint, Health, Locality
from lateen.catalog.workload import CANONICAL_NAMES, CANONICAL_REVISIONS, MUTUAL
from lateen.envoy import messages, types, wire
from lateen.translate.endpoints.mutual import takes_mutual
from lateen.translate.endpoints.networks import reached
from lateen.view import service
from lateen.view.mesh import Mesh

Labels = tuple[tuple[str, str], ...]

TRANSPORT_MATCH = "envoy.transport_socket_match"
# Fields of LocalityLbEndpoints and LbEndpoint.
LOCALITY, LB_ENDPOINTS, LOCALITY_WEIGHT, PRIORITY = 1, 2, 3, 5
ENDPOINT, HEALTH, METADATA, WEIGHT = 1, 2, 3, 4
HEALTH_NUMBERS = {Health.HEALTHY: 1, Health.UNHEALTHY: 2, Health.DRAINING: 3}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which endpoints of one service port a cluster has, and what they tell of themselves."""

    hostname: str
    namespace: str
    port_name: str
    labels: Labels = ()  # of the subset
    is_mutual: bool = True  # endpoints may say that they take mutual TLS
    only_mutual: bool = False  # others are left out
    states_health: bool = True  # say HEALTHY too (Kubernetes); else only what is not
    node: str | None = None  # only those on this node
    cluster: str | None = None  # only those of this cluster
    network: str | None = None  # the client's, where the mesh has several
    networks: frozenset[str] = frozenset()  # only those of these; empty: all


class Part(NamedTuple):
    """The endpoints of one locality. `body` lacks weight and priority."""

    body: bytes
    weight: int
    size: int


@derived
def groups(
    mesh: Mesh, hostname: str, namespace: str, port_name: str
) -> tuple[tuple[Locality, tuple[Endpoint, ...]], ...]:
    found: dict[Locality, list[Endpoint]] = {}
    for endpoint in service.endpoints(mesh, hostname, namespace):
        if endpoint.service_port == port_name:
            found.setdefault(endpoint.locality, []).append(endpoint)
    return tuple((place, tuple(found[place])) for place in sorted(found, key=locality_order))


@derived
def members(
    mesh: Mesh, hostname: str, namespace: str, port_name: str, locality: Locality
) -> tuple[Endpoint, ...]:
    """One locality's, so that changes elsewhere stop here."""
    for place, endpoints in groups(mesh, hostname, namespace, port_name):
        if place == locality:
            return endpoints
    return ()


@derived
def part(mesh: Mesh, selection: Selection, locality: Locality) -> Part:
    found = members(mesh, selection.hostname, selection.namespace, selection.port_name, locality)
    return make_part(mesh, selection, locality, chosen(mesh, selection, found))


def chosen(mesh: Mesh, selection: Selection, found: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Those that the selection lets through."""
    if selection.labels:
        wanted = frozenset(selection.labels)
        found = tuple(endpoint for endpoint in found if wanted.issubset(endpoint.labels))
    if selection.node is not None:
        found = tuple(endpoint for endpoint in found if endpoint.node == selection.node)
    if selection.cluster is not None:
        found = tuple(endpoint for endpoint in found if endpoint.cluster == selection.cluster)
    if selection.network is not None:
        found = reached(
            mesh,
            found,
            network=selection.network,
            seen=selection.networks,
            is_mutual=selection.is_mutual,
        )
    if selection.only_mutual:
        found = tuple(endpoint for endpoint in found if takes_mutual(mesh, endpoint))
    return found


def make_part(
    mesh: Mesh, selection: Selection, locality: Locality, endpoints: tuple[Endpoint, ...]
) -> Part:
    if not endpoints:
        return Part(b"", 0, 0)
    pieces = [wire.embedded(LOCALITY, locality_body(locality))]
    weight = 0
    for endpoint in endpoints:
        is_mutual = selection.is_mutual and takes_mutual(mesh, endpoint)
        body = lb_endpoint(endpoint, is_mutual=is_mutual, states_health=selection.states_health)
        pieces.append(wire.embedded(LB_ENDPOINTS, body))
        weight += endpoint.weight or 1
    return Part(b"".join(pieces), weight, len(endpoints))


def locality_order(locality: Locality) -> tuple[str, str, str]:
    return (locality.region, locality.zone, locality.subzone)


def locality_body(locality: Locality) -> bytes:
    return (
        wire.text(1, locality.region) + wire.text(2, locality.zone) + wire.text(3, locality.subzone)
    )


def lb_endpoint(endpoint: Endpoint, *, is_mutual: bool, states_health: bool) -> bytes:
    """The LbEndpoint of one address."""
    health = HEALTH_NUMBERS[endpoint.health]
    if endpoint.health is Health.HEALTHY and not states_health:
        health = 0
    return (
        wire.embedded(ENDPOINT, wire.embedded(1, address_body(endpoint.address, endpoint.port)))
        + wire.number(HEALTH, health)
        + wire.embedded(METADATA, _metadata(workload_name(endpoint), is_mutual))
        + wire.uint32_value(WEIGHT, endpoint.weight or 1)
    )


def address_body(address: str, port: int) -> bytes:
    """An Address: a unix socket when it is a path."""
    if address.startswith(("/", "@")):
        return wire.embedded(2, wire.text(1, address))
    return wire.embedded(1, wire.text(2, address) + wire.number(3, port))


@lru_cache(maxsize=65536)  # replicas share it, and it outlives each endpoint's changes
def _metadata(workload: str, is_mutual: bool) -> bytes:
    made = types.Metadata()
    made.filter_metadata["istio"].fields["workload"].string_value = workload
    if is_mutual:
        made.filter_metadata[TRANSPORT_MATCH].fields["tlsMode"].string_value = MUTUAL
    return messages.serialize(made)


def workload_name(endpoint: Endpoint) -> str:
    """`workload;namespace;canonical name;canonical revision;cluster`."""
    labels = dict(endpoint.labels)
    name = next((labels[label] for label in CANONICAL_NAMES if label in labels), endpoint.workload)
    revision = next((labels[label] for label in CANONICAL_REVISIONS if label in labels), "")
    return ";".join((endpoint.workload, endpoint.namespace, name, revision, endpoint.cluster))
