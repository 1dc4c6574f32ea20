"""Endpoints on other networks: reached through gateways (split horizon)."""

from typing import Any

import pytest

from lateen.catalog.workload import NETWORK
from lateen.envoy import messages, types
from lateen.translate import endpoints
from lateen.view import proxy_class as classes
from lateen.view import service
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import mesh_of

NAME = "outbound|80||app.default.svc.cluster.local"
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {clusterIP: 10.0.0.1, selector: {app: app}, ports: [{name: http, port: 80}]}
"""
NETWORKS = """
kind: MeshNetworks
networks:
  one: {endpoints: [{fromCidr: 10.1.0.0/16}], gateways: [{address: 159.122.219.1, port: 443}]}
  two: {endpoints: [{fromCidr: 10.2.0.0/16}]}
  three:
    gateways: [{address: 159.122.219.3, port: 15443}, {address: 179.114.119.3, port: 15443}]
"""
# Networks and addresses of Istio's own test of split horizon.
WORKLOADS = (
    ("a1", "10.1.0.1", ""),
    ("b1", "10.2.0.1", ""),
    ("b2", "10.2.0.2", ""),
    ("c1", "10.3.0.1", "three"),
    ("c2", "10.3.0.2", "three"),
    ("c3", "10.3.0.3", "three"),
    ("d1", "10.4.0.1", "four"),
)


def entry(name: str, address: str, network: str, *, has_proxy: bool = True) -> str:
    account = ", serviceAccount: app" if has_proxy else ""
    return f"""
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {{name: {name}, namespace: default, labels: {{app: app}}}}
spec: {{address: {address}, network: "{network}"{account}}}
"""


def mesh_networks(text: str) -> str:
    indented = "\n".join(f"    {line}" for line in text.strip().splitlines()[1:])
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data:
  meshNetworks: |
{indented}
"""


def world(*more: str, networks: str = NETWORKS) -> Mesh:
    return mesh_of(SERVICE, mesh_networks(networks), *(entry(*each) for each in WORKLOADS), *more)


def weights(mesh: Mesh, client: ProxyClass, name: str = NAME) -> dict[str, int]:
    made = types.ClusterLoadAssignment.FromString(endpoints.endpoints(mesh, client, name))
    shown: dict[str, Any] = messages.to_json(made)
    return {
        each["endpoint"]["address"]["socket_address"]["address"]: each["load_balancing_weight"]
        for place in shown.get("endpoints", ())
        for each in place["lb_endpoints"]
    }


def test_gateways_share_the_weight_of_the_endpoints_behind_them() -> None:
    assert weights(world(), ProxyClass(network="two")) == {
        "10.2.0.1": 2,
        "10.2.0.2": 2,
        "10.4.0.1": 2,
        "159.122.219.1": 2,
        "159.122.219.3": 3,
        "179.114.119.3": 3,
    }


def test_gateways_are_on_their_own_port_and_take_mutual_tls() -> None:
    made = endpoints.endpoints(world(), ProxyClass(network="two"), NAME)
    shown = messages.to_json(types.ClusterLoadAssignment.FromString(made))

    gateway = next(
        each
        for each in shown["endpoints"][0]["lb_endpoints"]
        if each["endpoint"]["address"]["socket_address"]["address"] == "159.122.219.1"
    )
    assert gateway["endpoint"]["address"]["socket_address"]["port_value"] == 443
    metadata = gateway["metadata"]["filter_metadata"]
    assert metadata["envoy.transport_socket_match"] == {"tlsMode": "istio"}


def test_endpoints_without_mutual_tls_are_not_behind_a_gateway() -> None:
    mesh = world(entry("plain", "10.1.0.9", "", has_proxy=False))

    assert weights(mesh, ProxyClass(network="two"))["159.122.219.1"] == 2


def test_a_client_of_no_network_reaches_all_directly() -> None:
    assert "10.1.0.1" in weights(world(), ProxyClass())


def test_without_gateways_the_mesh_is_one_network() -> None:
    networks = "kind: MeshNetworks\nnetworks: {one: {endpoints: [{fromCidr: 10.1.0.0/16}]}}"

    found = weights(world(networks=networks), ProxyClass(network="two"))

    assert found == {address: 1 for _, address, _ in WORKLOADS}


def test_a_labelled_service_is_the_gateway_of_its_network() -> None:
    gateway = """
apiVersion: v1
kind: Service
metadata:
  name: eastwest
  namespace: istio-system
  labels: {topology.istio.io/network: four, networking.istio.io/gatewayPort: "15444"}
spec: {type: LoadBalancer, ports: [{port: 15444}]}
status: {loadBalancer: {ingress: [{ip: 44.0.0.1}, {hostname: lb.example.com}]}}
"""

    found = weights(world(gateway), ProxyClass(network="two"))

    assert found["44.0.0.1"] == 2
    assert "10.4.0.1" not in found


def test_a_service_that_mesh_networks_names_is_the_gateway() -> None:
    gateway = """
apiVersion: v1
kind: Service
metadata: {name: ingress, namespace: istio-system}
spec: {externalIPs: [44.0.0.2], ports: [{port: 443}]}
"""
    networks = """
kind: MeshNetworks
networks:
  one:
    endpoints: [{fromCidr: 10.1.0.0/16}]
    gateways: [{registryServiceName: ingress.istio-system.svc.cluster.local, port: 443}]
"""

    found = weights(world(gateway, networks=networks), ProxyClass(network="two"))

    assert "44.0.0.2" in found


def test_a_proxy_uses_only_the_networks_that_it_asks_for() -> None:
    client = ProxyClass(network="two", settings=(("REQUESTED_NETWORK_VIEW", "two,four"),))

    assert set(weights(world(), client)) == {"10.2.0.1", "10.2.0.2", "10.4.0.1"}


@pytest.mark.parametrize(("cluster", "seen"), [("Kubernetes", True), ("other", False)])
def test_a_cluster_local_service_stays_in_its_cluster(cluster: str, seen: bool) -> None:
    local = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    serviceSettings: [{settings: {clusterLocal: true}, hosts: ["*.default.svc.cluster.local"]}]
"""
    mesh = mesh_of(SERVICE, local, entry("a1", "10.1.0.1", ""))

    assert bool(weights(mesh, ProxyClass(cluster=cluster))) is seen


def test_a_proxy_is_on_the_network_of_its_address() -> None:
    mesh = world()
    found = classes.proxy_from_description({"ip": "10.2.0.7"}, mesh)

    assert classes.classify(mesh, found.proxy_class).network == "two"


def test_an_endpoint_tells_the_network_that_its_address_is_on() -> None:
    mesh = world()
    found = service.endpoints(mesh, "app.default.svc.cluster.local", "default")

    assert {each.address: each.label(NETWORK) for each in found}["10.1.0.1"] == "one"
