"""Laws of the view: history and order leave no trace."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from lateen.api.resource import Change
from lateen.config import documents
from lateen.view import (
    authentication,
    conflicts,
    destination_rule,
    gateway,
    scope,
    service,
    virtual_service,
    workload,
)
from lateen.view.mesh import Mesh, Settings
from lateen.view.outbound_scope import egress_listeners
from tests.unit.view.meshes import istio, pod, router, sidecar
from tests.unit.view.meshes import service as kubernetes_service

NAMESPACES = ("default", "shop", "istio-system")
HOSTS = ("web.default.svc.cluster.local", "web.shop.svc.cluster.local", "a.com", "*.b.com")
PROXIES = (
    sidecar("default", app="web"),
    sidecar("shop", app="web", version="v1"),
    router("istio-system"),
)
PORT = "ports: [{port: 80}]"
PORTS = "ports: [{number: 80, name: http, protocol: HTTP}]"
ROUTE = "http: [{match: [{sourceLabels: {version: v1}}], route: [{destination: {host: web}}]}]"
# Versions of each object, so that a change of one is a change of content.
OBJECTS: tuple[tuple[str, ...], ...] = (
    tuple(
        kubernetes_service("web", f"selector: {{{labels}}}, ports: [{{port: 80, name: {name}}}]")
        for labels, name in (("app: web", "http"), ("app: web, version: v1", "tcp"))
    ),
    (
        kubernetes_service("web", f"clusterIP: None, selector: {{app: web}}, {PORT}", "shop"),
        kubernetes_service("web", PORT, "shop"),
    ),
    (
        pod("p1", "10.1.0.1", "app: web"),
        pod("p1", "10.1.0.2", "app: web, version: v1"),
        pod("p1", "10.1.0.2", "app: other"),
    ),
    (pod("p2", "10.1.0.3", "app: web", namespace="shop"),),
    (
        istio("ServiceEntry", "a", f"hosts: [a.com], resolution: DNS, {PORTS}"),
        istio("ServiceEntry", "a", f"hosts: [a.com, '*.b.com'], {PORTS}, exportTo: ['.']"),
    ),
    (
        istio(
            "ServiceEntry", "a",
            f"hosts: [a.com], resolution: STATIC, {PORTS}, "
            "workloadSelector: {labels: {app: web}}", "shop",
        ),
        istio("ServiceEntry", "a", f"hosts: ['*.b.com'], {PORTS}", "shop"),
    ),
    (istio("WorkloadEntry", "w", "address: 10.2.0.1, labels: {app: web}", "shop"),),
    (
        istio("VirtualService", "v", f"hosts: [web, a.com], {ROUTE}"),
        istio("VirtualService", "v", f"hosts: ['*.com'], gateways: [istio-system/g], {ROUTE}"),
    ),
    (
        istio("VirtualService", "v", "hosts: [a.com], http: [{delegate: {name: d}}]", "shop"),
        istio("VirtualService", "v", f"hosts: [web], {ROUTE}, exportTo: ['.']", "shop"),
    ),
    (istio("VirtualService", "d", ROUTE, "shop"),),
    (
        istio("DestinationRule", "r", "host: a.com, subsets: [{name: v1}]"),
        istio(
            "DestinationRule", "r",
            "host: '*.com', workloadSelector: {matchLabels: {app: web}}, subsets: [{name: v2}]",
        ),
    ),
    (istio("DestinationRule", "r", "host: web, subsets: [{name: v3}]", "shop"),),
    (
        istio("Sidecar", "s", "egress: [{hosts: ['./*', 'shop/*']}]"),
        istio(
            "Sidecar", "s", "workloadSelector: {labels: {app: web}}, egress: [{hosts: ['*/a.com']}]"
        ),
    ),
    (
        istio("PeerAuthentication", "p", "mtls: {mode: STRICT}", "istio-system"),
        istio("PeerAuthentication", "p", "mtls: {mode: DISABLE}", "istio-system"),
    ),
    tuple(
        istio(
            "Gateway", "g",
            "selector: {istio: ingressgateway}, servers: "
            f"[{{port: {{number: 80, name: p, protocol: {protocol}}}, hosts: ['*']}}]",
            "istio-system",
        )
        for protocol in ("HTTP", "TCP")
    ),
    (
        istio(
            "Gateway", "g",
            "selector: {istio: ingressgateway}, servers: "
            "[{port: {number: 80, name: p, protocol: HTTP}, hosts: ['a.com']}]",
        ),
    ),
)  # fmt: skip


def parsed(text: str) -> Change:
    (resource,) = documents.read(text, "mesh.yaml").resources
    return Change(resource.key, resource)


CHANGES = tuple(
    (*(parsed(text) for text in versions), Change(parsed(versions[0]).key, None))
    for versions in OBJECTS
)
histories = st.lists(
    st.lists(st.sampled_from([change for versions in CHANGES for change in versions]), max_size=4),
    max_size=12,
)


def seen(mesh: Mesh) -> list[object]:
    """All that generation asks the view for."""
    found: list[object] = [conflicts.conflicts(mesh)]
    for proxy in PROXIES:
        view = scope.outbound_scope(mesh, proxy)
        found += [view, scope.services(mesh, view), workload.workload_services(mesh, proxy)]
        found.append(authentication.peer_mode(mesh, proxy.namespace, proxy.labels))
        found.append(gateway.gateway_listeners(mesh, proxy))
        for listener in egress_listeners(mesh, view):
            found.append(virtual_service.virtual_services(mesh, view, listener.index))
            found += [
                virtual_service.virtual_service_for(mesh, view, listener.index, host)
                for host in HOSTS
            ]
        for host in HOSTS:
            found.append(scope.find_service(mesh, view, host))
            found.append(destination_rule.destination_rule(mesh, view, host, "shop"))
    for host in HOSTS:
        for namespace in NAMESPACES:
            found.append(service.endpoints(mesh, host, namespace))
            found.append(service.service_accounts(mesh, host, namespace))
    return found


def fresh(changes: Iterable[Change]) -> Mesh:
    mesh = Mesh(Settings(service_cidr="198.19.0.0/16"))
    mesh.apply(changes)
    return mesh


@settings(deadline=None)
@given(histories)
def test_a_mesh_with_a_history_is_as_one_that_starts_from_its_end(
    history: list[list[Change]],
) -> None:
    lived = fresh([])
    for batch in history:
        lived.apply(batch)
        seen(lived)

    latest = {change.key: change for batch in history for change in batch}

    assert seen(lived) == seen(fresh(latest.values()))


@settings(deadline=None)
@given(st.permutations([versions[0] for versions in CHANGES]))
def test_order_of_input_is_irrelevant(order: list[Change]) -> None:
    one_by_one = fresh([])
    for change in order:
        one_by_one.apply([change])

    assert seen(one_by_one) == seen(fresh(versions[0] for versions in CHANGES))
