"""VirtualServices: resolved names, owners of hosts, visibility, delegates."""

from lateen.api.resource import Key
from lateen.view import virtual_service
from lateen.view.mesh import Mesh
from lateen.view.virtual_service import RoutedVirtualService
from tests.unit.view.meshes import apply, istio, mesh_of, scope_of

TO = "http: [{route: [{destination: {host: web}}]}]"


def rule(
    name: str, hosts: str, namespace: str = "default", more: str = "", age: str = "", to: str = TO
) -> str:
    meta = f'creationTimestamp: "{age}"' if age else ""
    return istio(
        "VirtualService", name, f"hosts: [{hosts}], {to}{', ' if more else ''}{more}",
        namespace, meta,
    )  # fmt: skip


def owner(mesh: Mesh, host: str, namespace: str = "default") -> str:
    found = virtual_service.virtual_service_for(mesh, scope_of(mesh, namespace), 0, host)
    return found.key.name if found is not None else ""


def routed(mesh: Mesh, name: str, namespace: str = "default") -> RoutedVirtualService:
    found = virtual_service.routed(mesh, Key("VirtualService", namespace, name))
    assert found is not None
    return found


def test_names_become_fqdns() -> None:
    mesh = mesh_of(
        rule(
            "a", "a, b.com", "shop", "gateways: [edge, far/gw, mesh]",
            to="http: [{route: [{destination: {host: web}}], mirror: {host: shadow}}], "
            "tcp: [{route: [{destination: {host: db}}]}]",
        )
    )  # fmt: skip

    made = routed(mesh, "a", "shop")

    assert made.hosts == ("a.shop.svc.cluster.local", "b.com")
    assert made.gateways == ("shop/edge", "far/gw", "mesh")
    target, mirror = made.http[0].route[0].destination, made.http[0].mirror
    assert target is not None
    assert mirror is not None
    assert target.host == "web.shop.svc.cluster.local"
    assert mirror.host == "shadow.shop.svc.cluster.local"
    stream = made.tcp[0].route[0].destination
    assert stream is not None
    assert stream.host == "db.shop.svc.cluster.local"


def test_most_specific_host_owns() -> None:
    mesh = mesh_of(rule("any", "'*'") + rule("wide", "'*.com'") + rule("narrow", "'*.b.com'"))
    assert owner(mesh, "a.b.com") == "narrow"
    assert owner(mesh, "b.com") == "wide"
    assert owner(mesh, "b.org") == "any"

    apply(mesh, rule("exact", "a.b.com"))
    assert owner(mesh, "a.b.com") == "exact"


def test_oldest_owns_among_equals() -> None:
    mesh = mesh_of(
        rule("a", "x.com", age="2024-01-01T00:00:00Z")
        + rule("b", "x.com", age="2020-01-01T00:00:00Z")
    )

    assert owner(mesh, "x.com") == "b"


def test_wildcard_service_is_owned_by_what_covers_it() -> None:
    mesh = mesh_of(rule("one", "a.x.com") + rule("all", "'*.com'"))

    assert owner(mesh, "*.x.com") == "all"


def test_virtual_service_of_gateways_only_owns_nothing_on_sidecars() -> None:
    mesh = mesh_of(rule("a", "x.com", more="gateways: [edge]"))

    assert owner(mesh, "x.com") == ""


def test_virtual_service_that_is_not_exported_is_unseen() -> None:
    mesh = mesh_of(rule("a", "x.com", "shop", "exportTo: ['.']"))

    assert owner(mesh, "x.com") == ""
    assert owner(mesh, "x.com", "shop") == "a"


def test_egress_hosts_filter_virtual_services() -> None:
    mesh = mesh_of(
        rule("a", "x.com", "shop")
        + rule("b", "y.com", "shop")
        + istio("Sidecar", "s", "egress: [{hosts: ['shop/x.com']}]")
    )
    found = virtual_service.virtual_services(mesh, scope_of(mesh), 0)

    assert [item.key.name for item in found] == ["a"]
    assert owner(mesh, "y.com") == ""


def test_gateway_sees_what_is_bound_and_exported() -> None:
    mesh = mesh_of(
        rule("bound", "x.com", more="gateways: [istio-system/gw]")
        + rule("private", "y.com", more="gateways: [istio-system/gw], exportTo: ['.']")
        + rule("other", "z.com", more="gateways: [other]")
    )
    gateway = Key("Gateway", "istio-system", "gw")

    found = virtual_service.gateway_virtual_services(mesh, gateway, "istio-system")

    assert [item.key.name for item in found] == ["bound"]


DELEGATING = "http: [{match: [{uri: {prefix: /shop}}], delegate: {name: child, namespace: shop}}]"


def test_delegates_routes_stand_in_the_parent() -> None:
    mesh = mesh_of(
        rule("root", "x.com", to=DELEGATING) + istio("VirtualService", "child", TO, "shop")
    )

    (route,) = routed(mesh, "root").http
    target = route.route[0].destination

    assert route.match[0].uri is not None
    assert route.match[0].uri.prefix == "/shop"
    assert target is not None
    assert target.host == "web.shop.svc.cluster.local"


def test_delegate_that_is_missing_or_not_exported_leaves_no_route() -> None:
    mesh = mesh_of(rule("root", "x.com", to=DELEGATING))
    assert routed(mesh, "root").http == ()

    apply(mesh, istio("VirtualService", "child", f"{TO}, exportTo: ['.']", "shop"))
    assert routed(mesh, "root").http == ()


def test_delegate_owns_nothing_by_itself() -> None:
    mesh = mesh_of(istio("VirtualService", "child", TO, "shop"))

    assert virtual_service.routed(mesh, Key("VirtualService", "shop", "child")) is None


def test_change_of_a_virtual_service_is_not_seen_at_another_host() -> None:
    mesh = mesh_of("".join(rule(f"v{i}", f"h{i}.com") for i in range(50)))
    scope = scope_of(mesh)
    for i in range(50):
        virtual_service.virtual_service_for(mesh, scope, 0, f"h{i}.com")
    before = mesh.graph.evaluations

    apply(mesh, rule("v7", "h7.com", to=TO.replace("web", "other")))
    for i in range(50):
        virtual_service.virtual_service_for(mesh, scope, 0, f"h{i}.com")

    assert mesh.graph.evaluations - before == 2
