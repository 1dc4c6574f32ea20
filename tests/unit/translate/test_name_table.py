"""The hosts that a workload's agent answers DNS for."""

from dataclasses import replace
from typing import Any

from lateen.base.name_table import NameTable
from lateen.translate.name_table import name_table
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

CAPTURED = replace(CLIENT, dns_capture=True, dns_auto_allocate=True)
HOST = "shop.svc.cluster.local"


def table(mesh: Mesh, client: ProxyClass = CAPTURED) -> dict[str, Any]:
    made = NameTable.FromString(name_table(mesh, client))
    return {host: list(info.ips) for host, info in sorted(made.table.items())}


def headless(more: str = "") -> str:
    service = f"""
apiVersion: v1
kind: Service
metadata: {{name: db, namespace: shop}}
spec:
  clusterIP: None
  selector: {{app: db}}
  {more}
  ports: [{{name: tcp, port: 5432}}]
"""
    ready = ("True", "True", "False")
    return "---".join([service, *(pod(index, status) for index, status in enumerate(ready))])


def pod(index: int, ready: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: db-{index}, namespace: shop, labels: {{app: db}}}}
spec: {{hostname: db-{index}, subdomain: db, containers: [{{name: app, image: app}}]}}
status:
  phase: Running
  podIP: 10.1.0.{index + 4}
  podIPs: [{{ip: 10.1.0.{index + 4}}}]
  conditions: [{{type: Ready, status: "{ready}"}}]
"""


def service_entry(hosts: str, addresses: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: out, namespace: shop}}
spec:
  hosts: [{hosts}]
  {addresses}
  ports: [{{number: 443, name: tls, protocol: TLS}}]
  resolution: DNS
"""


def test_services_answer_with_their_addresses_and_say_what_they_are_called() -> None:
    mesh = mesh_of(http_service("a"))

    info = NameTable.FromString(name_table(mesh, CAPTURED)).table[f"a.{HOST}"]

    assert (list(info.ips), info.registry) == (["10.0.0.1"], "Kubernetes")
    assert (info.shortname, info.namespace) == ("a", "shop")


def test_headless_services_answer_with_their_ready_pods_and_each_pod_by_itself() -> None:
    assert table(mesh_of(headless())) == {
        f"db-0.db.{HOST}": ["10.1.0.4"],
        f"db-1.db.{HOST}": ["10.1.0.5"],
        f"db.{HOST}": ["10.1.0.4", "10.1.0.5"],
    }


def test_headless_services_may_publish_pods_that_are_not_ready() -> None:
    found = table(mesh_of(headless("publishNotReadyAddresses: true")))

    assert found[f"db.{HOST}"] == ["10.1.0.4", "10.1.0.5", "10.1.0.6"]


def test_ranges_have_no_address_to_answer_with() -> None:
    assert table(mesh_of(service_entry("a.example.com", "addresses: [10.0.0.0/8]"))) == {}


def test_hosts_without_an_address_get_one_where_the_proxy_answers_dns() -> None:
    mesh = mesh_of(service_entry("a.example.com"))

    assert table(mesh)["a.example.com"][0].startswith("240.240.")
    assert table(mesh, replace(CAPTURED, dns_auto_allocate=False)) == {}


def test_kubernetes_services_beat_service_entries_of_the_same_name() -> None:
    mesh = mesh_of(service_entry(f"a.{HOST}", "addresses: [192.0.2.1]"), http_service("a"))

    assert table(mesh) == {f"a.{HOST}": ["10.0.0.1"]}


def test_explicit_mode_answers_with_the_clients_own_loopback_address() -> None:
    mesh = mesh_of(http_service("a", address="127.64.1.0"))

    assert table(mesh, replace(CAPTURED, loopback_index=7)) == {f"a.{HOST}": ["127.64.1.7"]}


def test_proxies_that_see_the_same_share_one_table() -> None:
    mesh = mesh_of(http_service("a"))
    name_table(mesh, CAPTURED)
    before = mesh.graph.evaluations

    name_table(mesh, replace(CAPTURED, service_account="other"))

    assert mesh.graph.evaluations - before <= 2
