"""Endpoints as a client on one network reaches them (split horizon).

    on its own network, or of no network     as they are
    on a network that has no gateway         as they are
    on another network                       its gateways, which share the weight of those behind

A gateway passes TLS on by its server name, so only endpoints that take mutual TLS are behind one.
Where there are several gateways all weights are multiplied, so that each has its exact share.
"""

from dataclasses import replace

from lateen.catalog.service import Endpoint
from lateen.catalog.workload import CLUSTER, MUTUAL, NETWORK
from lateen.translate.endpoints.mutual import takes_mutual
from lateen.view.mesh import Mesh
from lateen.view.networks import NetworkGateway, gateways_of, weight_scale

MOST_WEIGHT = 2**32 - 1


def reached(
    mesh: Mesh,
    found: tuple[Endpoint, ...],
    *,
    network: str,
    seen: frozenset[str],
    is_mutual: bool,
) -> tuple[Endpoint, ...]:
    """`network` is the client's; `seen` those that it may use, empty: all."""
    scale = weight_scale(mesh)
    near: list[Endpoint] = []
    weights: dict[NetworkGateway, int] = {}
    for endpoint in found:
        if seen and endpoint.network and endpoint.network not in seen:
            continue
        weight = min((endpoint.weight or 1) * scale, MOST_WEIGHT)
        ways = gateways_of(mesh, endpoint.network, endpoint.cluster)
        if not ways or not network or endpoint.network in ("", network):
            if endpoint.address:
                near.append(replace(endpoint, weight=weight))
        elif is_mutual and takes_mutual(mesh, endpoint):
            for way in ways:
                weights[way] = weights.get(way, 0) + weight // len(ways)
    behind = (_gateway(way, weights[way], found[0]) for way in sorted(weights))
    return (*near, *behind)


def _gateway(way: NetworkGateway, weight: int, example: Endpoint) -> Endpoint:
    """It stands where those behind it do, as far as ranking goes."""
    labels = {NETWORK: way.network, CLUSTER: way.cluster}
    return Endpoint(
        address=way.address,
        port=way.port,
        service_port=example.service_port,
        labels=tuple(sorted((name, value) for name, value in labels.items() if value)),
        tls_mode=MUTUAL,
        locality=example.locality,
        weight=weight,
        network=way.network,
        cluster=way.cluster,
        is_gateway=True,
    )
