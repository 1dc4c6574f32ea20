"""One host defined twice, and services that clients cannot tell apart."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of, service


def entry(
    name: str, *, host: str = "a.com", protocol: str = "HTTP", port: int = 80, more: str = ""
) -> str:
    ports = f"ports: [{{number: {port}, name: p, protocol: {protocol}}}]"
    return istio("ServiceEntry", name, f"hosts: [{host}], {ports}, resolution: STATIC{more}")


def test_entries_that_agree_merge() -> None:
    assert told(mesh_of(entry("a") + entry("b") + entry("c", port=81))) == []


def test_another_resolution_is_reported() -> None:
    other = entry("b", port=81).replace("STATIC", "DNS")

    (found,) = conflicts(mesh_of(entry("a") + other))

    assert (found.code, found.resource) == ("service-conflict", "ServiceEntry default/b")
    assert "as ServiceEntry default/a (mesh.yaml:2) says" in found.message


def test_another_protocol_of_a_port_is_reported() -> None:
    (found,) = conflicts(mesh_of(entry("a") + entry("b", protocol="GRPC")))

    assert "port 80 of a.com is HTTP, by ServiceEntry default/a" in found.message


def test_a_service_beats_entries_of_its_name() -> None:
    host = "web.default.svc.cluster.local"
    mesh = mesh_of(entry("a", host=host) + service("web", "ports: [{port: 80}]"))

    (found,) = conflicts(mesh)

    assert found.resource == "ServiceEntry default/a"
    assert f"{host} is Service default/web (mesh.yaml:" in found.message


def test_tcp_of_two_hosts_at_one_port_is_reported() -> None:
    both = entry("a", protocol="TCP", port=9) + entry("b", host="b.com", protocol="TCP", port=9)

    (found,) = conflicts(mesh_of(both))

    assert (found.code, found.resource) == ("listener-conflict", "ServiceEntry default/b")
    assert "0.0.0.0:9 go to a.com of ServiceEntry default/a (mesh.yaml:2)" in found.message


def test_tcp_of_hosts_that_can_be_told_apart_is_not() -> None:
    mesh = mesh_of(
        entry("a", protocol="TCP", more=", addresses: [1.1.1.1]")
        + entry("b", host="b.com", protocol="TCP", more=", addresses: [1.1.1.2]")
        + entry("c", host="c.com", protocol="TLS")
        + entry("d", host="d.com", protocol="TLS")
        + entry("e", host="e.com", protocol="TCP", more=", exportTo: [one]")
        + entry("f", host="f.com", protocol="TCP", more=", exportTo: [two]")
    )

    assert told(mesh) == []
