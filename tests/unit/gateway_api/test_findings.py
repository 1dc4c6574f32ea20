"""What is not in force is told with its place, once for each thing."""

from lateen.gateway_api.findings import of_all
from lateen.view.mesh import Mesh
from tests.unit.gateway_api import world
from tests.unit.gateway_api.world import TO_WEB, route

TO_NOBODY = "[{backendRefs: [{name: nobody, port: 80}]}]"
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: old, namespace: shop, annotations: {kubernetes.io/ingress.class: istio}}
spec: {defaultBackend: {service: {name: web, port: {number: PORT}}}}
"""
POLICY = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: web, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: web}]
  validation: {hostname: web, caCertificateRefs: [{group: "", kind: ConfigMap, name: none}]}
"""


def told(mesh: Mesh) -> list[str]:
    keys = [
        each.key
        for kind in ("Gateway.gateway.networking.k8s.io", "HTTPRoute", "Ingress", "UDPRoute",
                     "BackendTLSPolicy")
        for each in mesh.all_of_kind(kind)
    ]  # fmt: skip
    return [f"{each.path}: {each.message}" for each in of_all(mesh).update(keys)]


def test_what_is_in_force_is_not_told() -> None:
    assert (
        told(world.mesh(route("a", "a.example.com", TO_WEB), INGRESS.replace("PORT", "80"))) == []
    )


def test_a_missing_backend_is_told() -> None:
    assert told(world.mesh(route("a", "a.example.com", TO_NOBODY))) == [
        "spec.rules: backend(nobody.shop.svc.cluster.local) not found (BackendNotFound)"
    ]


def test_a_missing_gateway_is_told() -> None:
    text = route("a", "a.example.com", TO_WEB).replace(
        "{name: edge, namespace: infra}", "{name: b}"
    )

    assert told(world.mesh(text)) == ["spec.parentRefs[0]: there is no Gateway shop/b"]


def test_an_unknown_class_is_told_with_those_that_are_known() -> None:
    mesh = world.mesh(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
        "metadata: {name: b, namespace: shop}\nspec: {gatewayClassName: nginx, listeners: []}\n"
    )

    assert told(mesh) == ['spec.gatewayClassName: there is no GatewayClass "nginx"']


def test_a_missing_port_of_an_ingress_is_told() -> None:
    assert told(world.mesh(INGRESS.replace("PORT", "81"))) == [
        "spec.defaultBackend: Service shop/web has no port 81"
    ]


def test_an_authority_that_is_not_there_is_told() -> None:
    found = told(world.mesh(POLICY))

    assert len(found) == 2
    assert found[0].startswith("spec.targetRefs[0]: is not accepted: Certificate reference invalid")


def test_udp_routes_are_told_to_be_of_no_effect() -> None:
    assert told(world.mesh(route("a", "a", TO_WEB, kind="UDPRoute"))) == [
        "spec: is not served: UDP is not supported"
    ]


def test_only_what_a_change_touches_is_looked_at_again() -> None:
    mesh = world.mesh(*(route(f"r{n}", f"h{n}.example.com", TO_WEB) for n in range(300)))
    findings = of_all(mesh)
    findings.update(each.key for each in mesh.all_of_kind("HTTPRoute"))
    before = mesh.graph.evaluations

    world.apply(mesh, route("r7", "h7.example.com", TO_NOBODY))
    found = findings.update(())

    assert [each.resource for each in found] == ["HTTPRoute shop/r7"]
    assert mesh.graph.evaluations - before <= 5
