"""Services by hostname and what serves them."""

from lateen.catalog.service import Endpoint, Health, Locality, Resolution
from lateen.view import service as services
from lateen.view.mesh import Mesh
from tests.unit.view.meshes import apply, delete, istio, mesh_of, pod, service

WEB = "web.default.svc.cluster.local"
WEB_SERVICE = service(
    "web",
    "clusterIP: 10.0.0.9, selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}]",
)
SLICE = """---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 9090}]
endpoints:
- {addresses: [10.1.0.1], targetRef: {kind: Pod, name: web-1}, zone: z1}
- {addresses: [10.1.0.2], conditions: {ready: false}}
- {addresses: [10.1.0.3], conditions: {ready: false, terminating: true}}
"""


def found(mesh: Mesh, host: str = WEB, namespace: str = "default") -> list[str]:
    return [f"{item.address}:{item.port}" for item in services.endpoints(mesh, host, namespace)]


def one(mesh: Mesh, host: str = WEB, namespace: str = "default") -> Endpoint:
    (endpoint,) = services.endpoints(mesh, host, namespace)
    return endpoint


def test_service_without_slices_is_served_by_the_pods_it_selects() -> None:
    mesh = mesh_of(
        WEB_SERVICE
        + pod("web-1", "10.1.0.1", "app: web", ports="{name: web, containerPort: 8080}")
        + pod("other", "10.1.0.2", "app: other", ports="{name: web, containerPort: 8080}")
    )

    assert found(mesh) == ["10.1.0.1:8080"]


def test_pod_of_another_namespace_does_not_serve() -> None:
    mesh = mesh_of(
        WEB_SERVICE
        + pod(
            "web-1", "10.1.0.1", "app: web", namespace="far",
            ports="{name: web, containerPort: 8080}",
        )
    )  # fmt: skip

    assert found(mesh) == []


def test_pod_that_is_not_ready_is_unhealthy() -> None:
    ports = "{name: web, containerPort: 8080}"
    mesh = mesh_of(WEB_SERVICE + pod("web-1", "10.1.0.1", "app: web", ports=ports, ready=False))

    assert one(mesh).health is Health.UNHEALTHY


def test_pod_without_the_named_port_does_not_serve_it() -> None:
    mesh = mesh_of(WEB_SERVICE + pod("web-1", "10.1.0.1", "app: web"))

    assert found(mesh) == []


def test_endpoint_slices_win_over_pods() -> None:
    mesh = mesh_of(WEB_SERVICE + SLICE + pod("web-9", "10.1.0.9", "app: web"))

    assert found(mesh) == ["10.1.0.1:9090", "10.1.0.2:9090"]


def test_slice_endpoint_is_unhealthy_when_not_ready_and_gone_when_terminating() -> None:
    mesh = mesh_of(WEB_SERVICE + SLICE)

    assert [item.health for item in services.endpoints(mesh, WEB, "default")] == [
        Health.HEALTHY,
        Health.UNHEALTHY,
    ]


def test_slice_endpoint_brings_its_pods_labels_and_identity() -> None:
    mesh = mesh_of(
        WEB_SERVICE + SLICE + pod("web-1", "10.1.0.1", "app: web, version: v2", account="shop")
    )

    endpoint = services.endpoints(mesh, WEB, "default")[0]

    assert endpoint.label("version") == "v2"
    assert endpoint.service_account == "spiffe://cluster.local/ns/default/sa/shop"


def test_slice_names_the_hosts_of_its_pods() -> None:
    named = SLICE.replace("{addresses: [10.1.0.1],", "{addresses: [10.1.0.1], hostname: web-0,")

    endpoint = services.endpoints(mesh_of(WEB_SERVICE + named), WEB, "default")[0]

    assert (endpoint.hostname, endpoint.subdomain) == ("web-0", "web")


def test_endpoints_object_counts_when_there_are_no_slices() -> None:
    mesh = mesh_of(
        WEB_SERVICE
        + """---
apiVersion: v1
kind: Endpoints
metadata: {name: web, namespace: default}
subsets:
- addresses: [{ip: 10.1.0.7}]
  notReadyAddresses: [{ip: 10.1.0.8}]
  ports: [{name: http, port: 7070}]
"""
    )

    made = services.endpoints(mesh, WEB, "default")

    assert [(item.address, item.health) for item in made] == [
        ("10.1.0.7", Health.HEALTHY),
        ("10.1.0.8", Health.UNHEALTHY),
    ]


def test_pod_with_a_sidecar_speaks_mutual_tls() -> None:
    label = "security.istio.io/tlsMode: istio"
    ports = "{name: web, containerPort: 8080}"
    marked = mesh_of(WEB_SERVICE + pod("web-1", "10.1.0.1", f"app: web, {label}", ports=ports))
    injected = mesh_of(
        WEB_SERVICE
        + pod(
            "web-1", "10.1.0.1", "app: web", ports=ports,
            annotations='sidecar.istio.io/status: "{}"',
        )
    )  # fmt: skip
    plain = mesh_of(WEB_SERVICE + pod("web-1", "10.1.0.1", "app: web", ports=ports))

    assert [one(mesh).tls_mode for mesh in (marked, injected, plain)] == [
        "istio",
        "istio",
        "disabled",
    ]


def test_locality_comes_from_the_node() -> None:
    ports = "{name: web, containerPort: 8080}"
    mesh = mesh_of(
        WEB_SERVICE
        + pod("web-1", "10.1.0.1", "app: web", ports=ports, node="n1")
        + """---
apiVersion: v1
kind: Node
metadata:
  name: n1
  labels: {topology.kubernetes.io/region: r1, topology.kubernetes.io/zone: z1}
"""
    )

    assert one(mesh).locality == Locality("r1", "z1")
    assert one(mesh).label("topology.kubernetes.io/zone") == "z1"


def test_label_of_the_pod_beats_the_locality_of_its_node() -> None:
    ports = "{name: web, containerPort: 8080}"
    mesh = mesh_of(
        WEB_SERVICE + pod("web-1", "10.1.0.1", "app: web, istio-locality: r2.z2.s2", ports=ports)
    )

    assert one(mesh).locality == Locality("r2", "z2", "s2")


def test_headless_service_and_external_name_resolve_differently() -> None:
    mesh = mesh_of(
        service("peers", "clusterIP: None, ports: [{name: tcp, port: 90}]")
        + service("out", "type: ExternalName, externalName: example.com")
    )

    headless = services.service(mesh, "peers.default.svc.cluster.local", "default")
    alias = services.service(mesh, "out.default.svc.cluster.local", "default")

    assert headless is not None
    assert headless.resolution is Resolution.PASSTHROUGH
    assert headless.addresses == ()
    assert alias is not None
    assert (alias.resolution, alias.external_name) == (Resolution.ALIAS, "example.com")


ENTRY = (
    "hosts: [a.example], location: MESH_INTERNAL, resolution: STATIC, "
    "ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]"
)


def test_inline_endpoint_port_beats_target_port_beats_the_port_itself() -> None:
    mesh = mesh_of(
        istio(
            "ServiceEntry",
            "a",
            ENTRY + ", endpoints: [{address: 1.1.1.1, ports: {http: 7070}}, {address: 2.2.2.2}]",
        )
    )

    assert found(mesh, "a.example") == ["1.1.1.1:7070", "2.2.2.2:8080"]


def test_unix_socket_endpoint_has_no_port() -> None:
    mesh = mesh_of(
        istio("ServiceEntry", "a", f"{ENTRY}, endpoints: [{{address: 'unix:///run/a.sock'}}]")
    )

    assert found(mesh, "a.example") == ["/run/a.sock:0"]


def test_dns_entry_without_endpoints_is_served_by_its_host() -> None:
    mesh = mesh_of(
        istio("ServiceEntry", "a", ENTRY.replace("STATIC", "DNS"))
        + istio("ServiceEntry", "b", ENTRY.replace("a.example", "b.example"))
    )

    assert found(mesh, "a.example") == ["a.example:8080"]
    assert found(mesh, "b.example") == []


def test_entry_with_a_selector_is_served_by_pods_and_workload_entries() -> None:
    mesh = mesh_of(
        istio("ServiceEntry", "a", f"{ENTRY}, workloadSelector: {{labels: {{app: a}}}}")
        + pod("p", "10.1.0.1", "app: a")
        + istio("WorkloadEntry", "w", "address: 10.2.0.1, labels: {app: a}, serviceAccount: vm")
    )

    assert found(mesh, "a.example") == ["10.1.0.1:8080", "10.2.0.1:8080"]
    assert services.service_accounts(mesh, "a.example", "default") == (
        "spiffe://cluster.local/ns/default/sa/default",
        "spiffe://cluster.local/ns/default/sa/vm",
    )


def test_service_selects_workload_entries_beside_pods() -> None:
    numeric = WEB_SERVICE.replace("targetPort: web", "targetPort: 8080")
    both = mesh_of(
        numeric
        + istio("WorkloadEntry", "vm", "address: 10.2.0.1, labels: {app: web}")
        + pod("web-1", "10.1.0.1", "app: web")
    )

    assert found(both) == ["10.1.0.1:8080", "10.2.0.1:8080"]


def test_workload_entry_speaks_mutual_tls_when_it_has_an_account() -> None:
    selector = "workloadSelector: {labels: {app: a}}"
    mesh = mesh_of(
        istio("ServiceEntry", "a", f"{ENTRY}, {selector}")
        + istio("WorkloadEntry", "w1", "address: 10.2.0.1, labels: {app: a}, serviceAccount: vm")
        + istio("WorkloadEntry", "w2", "address: 10.2.0.2, labels: {app: a}")
    )

    modes = [item.tls_mode for item in services.endpoints(mesh, "a.example", "default")]

    assert modes == ["istio", "disabled"]


def test_entry_without_addresses_gets_one_of_its_own() -> None:
    def entry(name: str, host: str, change: tuple[str, str] = ("", ""), more: str = "") -> str:
        spec = ENTRY.replace("a.example", host).replace(*change) + more
        return istio("ServiceEntry", name, spec)

    mesh = mesh_of(
        entry("a", "a.example")
        + entry("b", "b.example", ("STATIC", "NONE"))
        + entry("c", "'*.c.example'")
        + entry("d", "d.example", more=", addresses: [9.9.9.9]")
    )

    given = {
        host: made.auto_addresses
        for host, namespace in services.hostnames(mesh)
        if (made := services.service(mesh, host, namespace)) is not None
    }

    address, twin = given["a.example"]
    assert address.startswith("240.240.")
    assert twin.startswith("2001:2::")
    assert given["b.example"] == given["*.c.example"] == given["d.example"] == ()


def test_kubernetes_service_beats_an_entry_of_the_same_name() -> None:
    mesh = mesh_of(WEB_SERVICE + istio("ServiceEntry", "web", ENTRY.replace("a.example", WEB)))

    made = services.service(mesh, WEB, "default")

    assert made is not None
    assert made.addresses == ("10.0.0.9",)


def test_entries_of_one_host_add_their_ports() -> None:
    mesh = mesh_of(
        istio("ServiceEntry", "a", ENTRY)
        + istio("ServiceEntry", "b", ENTRY.replace("80, name: http", "81, name: more"))
    )

    made = services.service(mesh, "a.example", "default")

    assert made is not None
    assert [port.number for port in made.ports] == [80, 81]


def test_deleted_pod_stops_serving() -> None:
    ports = "{name: web, containerPort: 8080}"
    mesh = mesh_of(WEB_SERVICE + pod("web-1", "10.1.0.1", "app: web", ports=ports))
    assert found(mesh) == ["10.1.0.1:8080"]

    delete(mesh, "Pod", "default", "web-1")

    assert found(mesh) == []


def test_change_of_a_pod_reaches_only_the_services_that_select_it() -> None:
    numeric = "ports: [{name: http, port: 80, targetPort: 8080}]"
    mesh = mesh_of(
        "".join(service(f"s{i}", f"selector: {{app: s{i}}}, {numeric}") for i in range(50))
        + "".join(pod(f"p{i}", f"10.1.0.{i}", f"app: s{i}") for i in range(50))
    )
    hosts = [f"s{i}.default.svc.cluster.local" for i in range(50)]
    for host in hosts:
        services.endpoints(mesh, host, "default")
    before = mesh.graph.evaluations

    apply(mesh, pod("p7", "10.1.9.9", "app: s7"))
    after = [found(mesh, host) for host in hosts]

    assert after[7] == ["10.1.9.9:8080"]
    assert mesh.graph.evaluations - before < 10
