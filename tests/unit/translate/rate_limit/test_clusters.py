"""The clusters of rate limit services."""

from lateen.envoy import types
from lateen.translate import discovery
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import mesh_of
from tests.unit.translate.rate_limit.test_http import GLOBAL, LOCAL, WORKLOAD, limit

NAME = "rate-limit|8081||lateen-rate-limit.istio-system.svc.cluster.local"
SERVICE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: lateen-rate-limit, namespace: istio-system}
spec:
  hosts: [lateen-rate-limit.istio-system.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{name: grpc, number: 8081, protocol: GRPC}]
  endpoints: [{address: 10.1.0.7, ports: {grpc: 9}, serviceAccount: lateen-rate-limit}]
"""
SIDECAR = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: own, namespace: shop}
spec: {egress: [{hosts: [./*]}]}
"""


def test_a_proxy_reaches_the_service_whatever_its_sidecar_lets_it_see() -> None:
    mesh = mesh_of(SERVICE, SIDECAR, limit("api", GLOBAL))

    assert NAME in discovery.names(mesh, WORKLOAD, discovery.CLUSTER)
    content = discovery.cell(mesh, WORKLOAD, discovery.CLUSTER, NAME).read()
    cluster = types.Cluster.FromString(content)
    assert (cluster.name, cluster.eds_cluster_config.service_name) == (NAME, NAME)
    assert "spiffe://cluster.local/ns/istio-system/sa/lateen-rate-limit" in str(cluster)
    found = discovery.cell(mesh, WORKLOAD, discovery.ENDPOINT, NAME).read()
    assignment = types.ClusterLoadAssignment.FromString(found)
    assert assignment.cluster_name == NAME
    address = assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address
    assert (address.address, address.port_value) == ("10.1.0.7", 9)
    assert_accepted(clusters=[content])


def test_proxies_without_global_limits_and_services_that_nobody_knows_have_none() -> None:
    assert NAME not in discovery.names(
        mesh_of(SERVICE, limit("api", LOCAL)), WORKLOAD, discovery.CLUSTER
    )
    assert NAME not in discovery.names(mesh_of(limit("api", GLOBAL)), WORKLOAD, discovery.CLUSTER)
