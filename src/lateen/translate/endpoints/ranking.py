"""Which localities a client uses first, or how its traffic is spread over them.

    distribute          weights by locality; localities that are not named get nothing
    failover priority   labels that client and endpoint share, in order; then failover, if written
    failover            same subzone, zone, region, then the failover region, then the rest

Priorities begin at 0 without a gap, as Envoy demands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from lateen.catalog.service import Endpoint, Locality
from lateen.translate.clusters.policy.locality import Spread
from lateen.translate.endpoints.part import Part
from lateen.view.scope import OutboundScope

ANY = "*"


@dataclass(frozen=True, slots=True)
class Ranking:
    """A setting, seen from one place: weights, labels, distance, or labels and then distance."""

    weights: tuple[tuple[str, int], ...] = ()  # locality pattern -> weight
    labels: tuple[tuple[str, str], ...] = ()  # label, and the client's value of it
    locality: Locality | None = None  # of the client: rank by distance
    failover_region: str = ""


def ranking(spread: Spread, scope: OutboundScope) -> Ranking | None:
    """None: all endpoints are equal."""
    setting = spread.setting
    if setting is None:
        return None
    if setting.distribute:
        for entry in setting.distribute:
            if matches(scope.locality, entry.from_):
                return Ranking(weights=tuple(sorted(entry.to.items(), key=_most_specific)))
        return None
    if not spread.ranks:
        return None
    region = next((x.to for x in setting.failover if x.from_ == scope.locality.region), "")
    if not setting.failover_priority:
        return Ranking(locality=scope.locality, failover_region=region)
    labels = tuple(_wanted(setting.failover_priority, client_labels(scope)))
    if not setting.failover:
        return Ranking(labels=labels)
    return Ranking(labels=labels, locality=scope.locality, failover_region=region)


def _wanted(labels: Iterable[str], client: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """`key` compares with the client's own value, `key=value` with that value."""
    for label in labels:
        key, separator, value = label.partition("=")
        yield (key, value if separator else client.get(key, ""))


def client_labels(scope: OutboundScope) -> dict[str, str]:
    """The client's labels, and its place in the form of labels."""
    return dict(scope.failover_labels) | place_labels(
        scope.locality, network=scope.network, cluster=scope.cluster, node=scope.node
    )


def endpoint_labels(endpoint: Endpoint) -> dict[str, str]:
    return dict(endpoint.labels) | place_labels(
        endpoint.locality,
        network=endpoint.network,
        cluster=endpoint.cluster,
        node=endpoint.node,
    )


def place_labels(locality: Locality, *, network: str, cluster: str, node: str) -> dict[str, str]:
    return {
        "topology.kubernetes.io/region": locality.region,
        "topology.kubernetes.io/zone": locality.zone,
        "topology.istio.io/subzone": locality.subzone,
        "topology.istio.io/network": network,
        "topology.istio.io/cluster": cluster,
        "kubernetes.io/hostname": node,
    }


# -- distribute --------------------------------------------------------------------------------


def matches(locality: Locality, pattern: str) -> bool:
    """`region/zone/subzone`, where `*` and what is not written match anything."""
    parts = pattern.split("/")
    have = (locality.region, locality.zone, locality.subzone)
    return all(part in (ANY, value) for part, value in zip(parts, have, strict=False))


def _most_specific(entry: tuple[str, int]) -> tuple[int, int, str]:
    pattern = entry[0]
    return (pattern.count(ANY), -pattern.count("/"), pattern)


def distributed(
    parts: list[tuple[Locality, Part]], weights: tuple[tuple[str, int], ...]
) -> list[tuple[Locality, Part]]:
    """Localities of one pattern share its weight by their own; unnamed ones are left out."""
    found: dict[int, int] = {}
    for pattern, weight in weights:
        mine = [
            index
            for index, (locality, _) in enumerate(parts)
            if index not in found and matches(locality, pattern)
        ]
        total = sum(parts[index][1].weight for index in mine)
        for index in mine:
            found[index] = ceil(parts[index][1].weight * weight / total)
    return [
        (locality, part._replace(weight=found[index]))
        for index, (locality, part) in enumerate(parts)
        if found.get(index)
    ]


# -- failover ----------------------------------------------------------------------------------


DISTANCES = 5  # how many there are


def distance(client: Locality, place: Locality, failover_region: str) -> int:
    """0 same subzone, 1 zone, 2 region, 3 elsewhere (or the failover region), 4 the rest."""
    if client.region == place.region:
        if client.zone == place.zone:
            return 0 if client.subzone == place.subzone else 1
        return 2
    return 4 if failover_region and place.region != failover_region else 3


def label_rank(endpoint: Endpoint, wanted: tuple[tuple[str, str], ...]) -> int:
    """How many of the labels, in order, do not match any more: 0 is best."""
    have = endpoint_labels(endpoint)
    for index, (label, value) in enumerate(wanted):
        if have.get(label, "") != value:
            return len(wanted) - index
    return 0


def rank(endpoint: Endpoint, ranks: Ranking) -> int:
    """By labels first; among those that share as many, by distance where that is asked for."""
    found = label_rank(endpoint, ranks.labels)
    if ranks.locality is None:
        return found
    return found * DISTANCES + distance(ranks.locality, endpoint.locality, ranks.failover_region)


def compacted(ranks: Iterable[int]) -> dict[int, int]:
    """Rank to priority, without gaps."""
    return {rank: priority for priority, rank in enumerate(sorted(set(ranks)))}
