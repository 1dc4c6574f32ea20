"""The cluster of a proxy's own kind."""

from dataclasses import replace

from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.translate.endpoints import local
from tests.unit.translate.clusters.worlds import CLIENT, mesh_of, pod, service


def zones(labels: tuple[tuple[str, str], ...]) -> dict[str, int]:
    text = service("front", "selector: {app: front}, ports: [{port: 80}]")
    for number, zone in enumerate(("near", "near", "far")):
        text += pod(f"front-{number}", f"10.1.0.{number}", f"app: front, istio-locality: r.{zone}")
    client = replace(CLIENT, labels=labels)
    cell = discovery.cell(mesh_of(text), client, discovery.ENDPOINT, local.LOCAL_CLUSTER)
    made = messages.to_json(types.ClusterLoadAssignment.FromString(cell.read()))
    assert made["cluster_name"] == local.LOCAL_CLUSTER
    return {
        place["locality"]["zone"]: len(place["lb_endpoints"]) for place in made.get("endpoints", [])
    }


def test_a_proxy_learns_in_which_zones_its_own_service_runs() -> None:
    assert zones((("app", "front"),)) == {"near": 2, "far": 1}


def test_a_workload_that_serves_nothing_has_no_peers() -> None:
    assert zones((("app", "job"),)) == {}
