"""Who may speak for a host: everybody as on Istio, its owner when the mesh is strict."""

from collections.abc import Iterator

import pytest

from lateen.api.resource import Key
from lateen.view import gateway, scope, virtual_service
from lateen.view.foreign_claims import of_all
from lateen.view.mesh import HostOwnership, Mesh
from tests.unit.view.meshes import apply, delete, istio, mesh_of, router, scope_of, service

BANK = "ledger.bank.svc.cluster.local"
LEDGER = service("ledger", "ports: [{name: http, port: 80}]", "bank")
TO = "http: [{route: [{destination: {host: elsewhere.example.com}}]}]"
GRANT = """---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: partners, namespace: bank}
spec:
  from: [{group: networking.istio.io, kind: %s, namespace: evil}]
  to: [{group: "", kind: %s}]
"""


def taking(hosts: str = BANK, namespace: str = "evil", more: str = "") -> str:
    return istio("VirtualService", "taker", f"hosts: [{hosts}], {TO}{more}", namespace)


def entry(host: str, namespace: str, more: str = "", age: str = "") -> str:
    spec = f"hosts: [{host}], ports: [{{number: 80, name: http, protocol: HTTP}}], {more}"
    meta = f'creationTimestamp: "{age}"' if age else ""
    return istio("ServiceEntry", f"of-{namespace}", f"{spec}resolution: DNS", namespace, meta)


def strict(text: str) -> Mesh:
    return mesh_of(text, host_ownership=HostOwnership.STRICT)


def router_of(mesh: Mesh, client: str, host: str = BANK) -> str:
    """The namespace whose rule routes the host for clients of a namespace."""
    found = virtual_service.virtual_service_for(mesh, scope_of(mesh, client), 0, host)
    return found.key.namespace if found is not None else ""


def definer(mesh: Mesh, client: str, host: str) -> str:
    found = scope.find_service(mesh, scope_of(mesh, client), host)
    return found.namespace if found is not None else ""


def test_with_istios_semantics_anybody_routes_a_host() -> None:
    mesh = mesh_of(LEDGER + taking())
    assert [router_of(mesh, client) for client in ("evil", "shop", "bank")] == ["evil"] * 3


@pytest.mark.parametrize(
    "hosts", [BANK, '"*.bank.svc.cluster.local"', '"*.svc.cluster.local"', '"*.local"', '"*"']
)
def test_strict_keeps_a_foreign_rule_to_its_own_clients(hosts: str) -> None:
    mesh = strict(LEDGER + taking(hosts))
    assert [router_of(mesh, client) for client in ("evil", "shop", "bank")] == ["evil", "", ""]
    for client, seen in (("evil", 1), ("shop", 0), ("bank", 0)):
        assert len(virtual_service.virtual_services(mesh, scope_of(mesh, client), 0)) == seen


def test_strict_lets_the_owner_and_the_root_namespace_route_for_all() -> None:
    for namespace in ("bank", "istio-system"):
        mesh = strict(LEDGER + taking(namespace=namespace))
        assert router_of(mesh, "shop") == namespace


def test_strict_leaves_a_free_host_to_anybody() -> None:
    mesh = strict(LEDGER + taking("api.example.com"))
    assert router_of(mesh, "shop", "api.example.com") == "evil"


def test_a_grant_of_the_owner_allows_it_and_its_end_ends_it() -> None:
    mesh = strict(LEDGER + taking())
    apply(mesh, GRANT % ("VirtualService", "Service"))
    assert router_of(mesh, "shop") == "evil"
    delete(mesh, "ReferenceGrant", "bank", "partners")
    assert router_of(mesh, "shop") == ""


def test_of_a_rule_with_several_hosts_only_the_foreign_ones_are_kept_back() -> None:
    mesh = strict(LEDGER + taking(f"{BANK}, free.example.com"))
    (rule,) = virtual_service.virtual_services(mesh, scope_of(mesh, "shop"), 0)
    assert rule.hosts == ("free.example.com",)


def test_strict_keeps_an_entry_for_a_name_of_kubernetes_to_its_own_clients() -> None:
    missing = "absent.bank.svc.cluster.local"  # no Service of that name (yet)
    assert definer(mesh_of(entry(missing, "evil")), "shop", missing) == "evil"
    mesh = strict(entry(missing, "evil"))
    assert definer(mesh, "shop", missing) == ""
    assert definer(mesh, "evil", missing) == "evil"


def test_strict_gives_an_outside_host_to_the_oldest_entry_and_each_its_own() -> None:
    mesh = strict(
        entry("api.example.com", "evil", age="2026-02-01T00:00:00Z")
        + entry("api.example.com", "bank", age="2026-01-01T00:00:00Z")
    )
    found = [definer(mesh, client, "api.example.com") for client in ("evil", "bank", "shop")]
    assert found == ["evil", "bank", "bank"]


SERVERS = "selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]"  # noqa: E501


@pytest.mark.parametrize(
    "setting", [{"host_ownership": HostOwnership.STRICT}, {"scope_gateways": True}]
)
def test_a_gateway_runs_on_foreign_pods_only_where_that_is_allowed(
    setting: dict[str, object],
) -> None:
    text = "".join(
        istio("Gateway", "gw", SERVERS, where) for where in ("evil", "bank", "istio-system")
    )

    def on(mesh: Mesh, namespace: str) -> Iterator[str]:
        return (key.namespace for key in gateway.gateways(mesh, router(namespace)))

    assert sorted(on(mesh_of(text), "bank")) == ["bank", "evil", "istio-system"]
    mesh = mesh_of(text, **setting)
    assert sorted(on(mesh, "bank")) == ["bank", "istio-system"]
    apply(mesh, GRANT % ("Gateway", "Pod"))
    assert sorted(on(mesh, "bank")) == ["bank", "evil", "istio-system"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            taking(),
            "speaks for the host ledger.bank.svc.cluster.local, which is of the namespace bank",
        ),
        (entry("x.bank.svc.cluster.local", "evil"), "speaks for the host x.bank.svc.cluster.local"),
        (taking('"*"'), "speaks for the host *, which is of the namespace istio-system"),
        (taking(more=', exportTo: ["."]'), ""),
        (taking(more=", gateways: [edge]"), ""),
        (taking("free.example.com"), ""),
        (taking(namespace="bank"), ""),
        (entry("free.example.com", "evil"), ""),
        (entry("x.bank.svc.cluster.local", "evil", 'exportTo: ["."], '), ""),
    ],
)
def test_what_would_have_mattered_is_told(text: str, message: str) -> None:
    mesh = mesh_of(LEDGER + text)
    keys = [Key("VirtualService", "evil", "taker"), Key("VirtualService", "bank", "taker")]
    keys.append(Key("ServiceEntry", "evil", "of-evil"))
    found = of_all(mesh).update(keys)
    assert [message in problem.message for problem in found] == ([True] if message else [])
    for problem in found:
        assert (problem.file, problem.path, problem.severity) == (
            "mesh.yaml",
            "spec.hosts",
            "warning",
        )


def test_findings_follow_what_they_are_made_from() -> None:
    mesh = strict(taking())
    claims = of_all(mesh)
    key = Key("VirtualService", "evil", "taker")
    assert "counts for clients of evil only" in claims.update([key])[0].message
    apply(mesh, GRANT % ("VirtualService", "Service"))
    assert claims.update([]) == ()
    delete(mesh, "ReferenceGrant", "bank", "partners")
    assert len(claims.update([])) == 1
    delete(mesh, "VirtualService", "evil", "taker")
    assert claims.update([key]) == ()
