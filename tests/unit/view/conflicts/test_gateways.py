"""Servers of Gateways that leave each other no room."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of

HTTP = "{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*']}"
TCP = "{port: {number: 80, name: t, protocol: TCP}, hosts: ['*']}"


def gateway(name: str, *servers: str, selector: str = "istio: x") -> str:
    return istio("Gateway", name, f"selector: {{{selector}}}, servers: [{', '.join(servers)}]")


def tls(port: int, host: str) -> str:
    return (
        f"{{port: {{number: {port}, name: s{port}, protocol: HTTPS}}, hosts: [{host}], "
        "tls: {mode: SIMPLE, credentialName: c}}"
    )


def test_servers_of_one_protocol_share_a_port() -> None:
    assert told(mesh_of(gateway("a", HTTP) + gateway("b", HTTP))) == []


def test_server_that_is_left_out_is_reported_with_the_winner() -> None:
    (found,) = conflicts(mesh_of(gateway("a", HTTP) + gateway("b", TCP)))

    assert (found.code, found.resource) == ("gateway-conflict", "Gateway default/b")
    assert found.path == "spec.servers[0]"
    assert "port 80 already serves HTTP, by Gateway default/a (mesh.yaml:2)" in found.message


def test_a_host_is_served_with_tls_once_on_a_port() -> None:
    mesh = mesh_of(gateway("a", tls(443, "a.com")) + gateway("b", tls(443, "a.com")))

    (found,) = conflicts(mesh)

    assert "host a.com is already served with TLS" in found.message
    assert "by Gateway default/a" in found.message


def test_gateways_of_other_proxies_do_not_meet() -> None:
    assert told(mesh_of(gateway("a", HTTP) + gateway("b", TCP, selector="istio: other"))) == []
