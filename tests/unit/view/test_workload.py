"""What a workload serves."""

from dataclasses import replace

from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.workload import ingress_listeners, workload_services
from tests.unit.view.meshes import istio, mesh_of, pod, service, sidecar

WEB = sidecar("default", app="web")


def served(mesh: Mesh, proxy: ProxyClass = WEB) -> list[tuple[str, int, int]]:
    return [
        (item.service.name, item.port.number, item.target_port)
        for item in workload_services(mesh, proxy)
    ]


def test_services_whose_selector_selects_the_workload() -> None:
    mesh = mesh_of(
        service("b", "selector: {app: web}, ports: [{port: 80, targetPort: 8080}]")
        + service("a", "selector: {app: web}, ports: [{port: 81}]")
        + service("never", "selector: {app: web, tier: x}, ports: [{port: 82}]")
        + service("far", "selector: {app: web}, ports: [{port: 83}]", "far")
    )

    assert served(mesh) == [("a", 81, 81), ("b", 80, 8080)]


def test_named_target_port_is_the_pods() -> None:
    mesh = mesh_of(
        service("web", "selector: {app: web}, ports: [{port: 80, targetPort: http}]")
        + pod("web-1", "10.1.0.1", "app: web", ports="{name: http, containerPort: 8088}")
    )

    assert served(mesh) == [("web", 80, 8088)]


def test_udp_ports_are_not_served() -> None:
    mesh = mesh_of(
        service("web", "selector: {app: web}, ports: [{port: 53, protocol: UDP, name: dns}]")
    )

    assert served(mesh) == []


def test_entry_with_an_endpoint_at_the_workload() -> None:
    spec = (
        "hosts: [a.com], resolution: STATIC, endpoints: [{address: 10.1.0.1}], "
        "ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]"
    )
    mesh = mesh_of(istio("ServiceEntry", "a", spec))

    assert served(mesh) == []
    assert served(mesh, replace(WEB, addresses=("10.1.0.1",))) == [("a.com", 80, 8080)]


def test_service_without_a_selector_by_its_endpoints() -> None:
    mesh = mesh_of(
        service("web", "ports: [{name: http, port: 80}]")
        + """---
apiVersion: v1
kind: Endpoints
metadata: {name: web, namespace: default}
subsets: [{addresses: [{ip: 10.1.0.1}], ports: [{name: http, port: 8081}]}]
"""
    )

    assert served(mesh, replace(WEB, addresses=("10.1.0.1",))) == [("web", 80, 8081)]


def test_ingress_listeners_are_the_governing_sidecars() -> None:
    mesh = mesh_of(
        istio(
            "Sidecar", "s",
            "workloadSelector: {labels: {app: web}}, ingress: [{port: {number: 80, protocol: HTTP, "
            "name: h}, defaultEndpoint: '127.0.0.1:8080'}]",
        )
    )  # fmt: skip

    (listener,) = ingress_listeners(mesh, WEB)

    assert listener.default_endpoint == "127.0.0.1:8080"
    assert ingress_listeners(mesh, sidecar("default", app="other")) == ()
