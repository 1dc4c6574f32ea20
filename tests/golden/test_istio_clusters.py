"""Clusters and endpoints are those that Istio itself makes of the same input."""

import json
from pathlib import Path
from typing import Any

import pytest

from lateen.envoy import messages, types
from lateen.translate import endpoints
from lateen.translate.clusters import build
from lateen.view import proxy_class
from lateen.view.mesh import Mesh
from tests.envoy_check import assert_accepted
from tests.golden.cluster_facts import RECORDED, cluster_facts, endpoint_facts
from tests.unit.translate.outbound_world import apply

CASES = sorted(RECORDED.glob("*.json"))
WORLD = RECORDED.parent / "istio_outbound" / "world.yaml"


@pytest.mark.envoy
@pytest.mark.parametrize("file", CASES, ids=lambda file: str(file.stem))
def test_a_proxy_has_the_clusters_that_istio_gives_it(file: Path) -> None:
    case = recorded(file)
    mesh = Mesh()
    apply(mesh, WORLD.read_text())
    apply(mesh, case["config"])
    client = proxy_class.proxy_from_description(case["node"], mesh).proxy_class

    clusters = [
        build.cluster(mesh, client, name) or b"" for name in build.cluster_names(mesh, client)
    ]
    made = [messages.to_json(types.Cluster.FromString(cluster)) for cluster in clusters]
    assignments = [endpoints.endpoints(mesh, client, name) for name in case["endpoints"]]
    shown = [messages.to_json(types.ClusterLoadAssignment.FromString(each)) for each in assignments]

    assert cluster_facts(made) == case["clusters"]
    assert endpoint_facts(shown) == case["endpoints"]
    assert_accepted(clusters=clusters, endpoints=assignments)


def recorded(file: Path) -> dict[str, Any]:
    """A recording holds what differs from plain-front, and the names of what is the same there."""
    case: dict[str, Any] = json.loads(file.read_text())
    if "same" not in case:
        return case
    plain = json.loads((RECORDED / "plain-front.json").read_text())
    for kind in ("clusters", "endpoints"):
        case[kind] |= {name: plain[kind][name] for name in case["same"][kind]}
    return case
