"""The hosts that a workload's DNS answers for."""

from dataclasses import replace

from lateen.base.name_table import NameInfo, NameTable
from lateen.translate.name_table import name_table
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

CAPTURED = replace(CLIENT, dns_capture=True)
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: tcp, port: 5432}]}
"""
POD = """
---
apiVersion: v1
kind: Pod
metadata: {name: db-NUMBER, namespace: shop, labels: {app: db}}
spec: {hostname: db-NUMBER, subdomain: db, containers: [{name: app}]}
status:
  phase: Running
  podIP: 10.1.0.NUMBER
  conditions: [{type: Ready, status: "True"}]
"""
EXTERNAL = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: external, namespace: shop}
spec:
  hosts: [api.example.com]
  addresses: [192.0.2.1, 198.51.100.0/24]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{number: 443, name: tls, protocol: TLS}]
"""


def names(mesh: Mesh, proxy: ProxyClass = CAPTURED) -> dict[str, NameInfo]:
    return dict(NameTable.FromString(name_table(mesh, proxy)).table)


def test_kubernetes_services_have_their_short_name_and_namespace() -> None:
    found = names(mesh_of(http_service("web")))["web.shop.svc.cluster.local"]

    assert list(found.ips) == ["10.0.0.1"]
    assert (found.shortname, found.namespace, found.registry) == ("web", "shop", "Kubernetes")


def test_cidrs_are_no_addresses_and_external_hosts_have_no_short_name() -> None:
    found = names(mesh_of(EXTERNAL))["api.example.com"]

    assert list(found.ips) == ["192.0.2.1"]
    assert (found.shortname, found.namespace) == ("", "")


def test_hosts_without_address_get_one_where_dns_is_captured() -> None:
    entry = EXTERNAL.replace("  addresses: [192.0.2.1, 198.51.100.0/24]\n", "")
    mesh = mesh_of(entry)

    captured = names(mesh, replace(CAPTURED, dns_auto_allocate=True))

    assert captured["api.example.com"].ips[0].startswith("240.240.")
    assert "api.example.com" not in names(mesh, CLIENT)


def test_a_headless_service_answers_with_its_pods_and_each_pod_by_its_name() -> None:
    pods = [POD.replace("NUMBER", number) for number in ("1", "2")]
    found = names(mesh_of(HEADLESS, *pods))

    assert sorted(found["db.shop.svc.cluster.local"].ips) == ["10.1.0.1", "10.1.0.2"]
    assert list(found["db-1.db.shop.svc.cluster.local"].ips) == ["10.1.0.1"]
    assert found["db-1.db.shop.svc.cluster.local"].shortname == "db-1.db"


def test_in_explicit_mode_each_proxy_answers_with_its_own_address() -> None:
    mesh = mesh_of(http_service("web", address="127.64.3.0"))

    found = names(mesh, replace(CAPTURED, loopback_index=7))

    assert list(found["web.shop.svc.cluster.local"].ips) == ["127.64.3.7"]


def test_hosts_outside_the_scope_are_left_out() -> None:
    sidecar = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec: {egress: [{hosts: ["./web.shop.svc.cluster.local"]}]}
"""
    mesh = mesh_of(http_service("web"), http_service("other", address="10.0.0.2"), sidecar)

    assert sorted(names(mesh)) == ["web.shop.svc.cluster.local"]
