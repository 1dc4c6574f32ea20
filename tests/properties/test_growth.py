"""What a change costs in a large mesh: counted in computations, not in seconds."""

import pytest

from lateen.view import destination_rule, scope, service, virtual_service
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope
from tests.unit.view.meshes import apply, istio, mesh_of, scope_of

SERVICES = 300
RULES = 60


def entry(i: int, address: str = "10.1.0.1") -> str:
    return istio(
        "ServiceEntry", f"s{i}",
        f"hosts: [s{i}.com], location: MESH_INTERNAL, resolution: STATIC, "
        "ports: [{number: 80, name: http, protocol: HTTP}], "
        f"endpoints: [{{address: {address}, serviceAccount: s{i}}}]",
        f"ns-{i % 10}",
    )  # fmt: skip


def route(i: int, subset: str = "v1") -> str:
    return istio(
        "VirtualService", f"s{i}",
        f"hosts: [s{i}.com], http: [{{route: [{{destination: {{host: s{i}.com, "
        f"subset: {subset}}}}}]}}]",
        f"ns-{i % 10}",
    )  # fmt: skip


def rule(i: int, mode: str = "DISABLE") -> str:
    return istio(
        "DestinationRule", f"s{i}",
        f"host: s{i}.com, trafficPolicy: {{tls: {{mode: {mode}}}}}", f"ns-{i % 10}",
    )  # fmt: skip


@pytest.fixture
def large() -> Mesh:
    return mesh_of(
        "".join(entry(i) for i in range(SERVICES))
        + "".join(route(i) + rule(i) for i in range(RULES))
    )


def read_everything(mesh: Mesh, view: OutboundScope) -> int:
    """Reads all that generation reads; how many computations that took."""
    before = mesh.graph.evaluations
    for item in scope.services(mesh, view):
        service.endpoints(mesh, item.hostname, item.namespace)
        service.service_accounts(mesh, item.hostname, item.namespace)
        scope.find_service(mesh, view, item.hostname)
        destination_rule.destination_rule(mesh, view, item.hostname, item.namespace)
        virtual_service.virtual_service_for(mesh, view, 0, item.hostname)
    return mesh.graph.evaluations - before


@pytest.mark.parametrize(
    ("change", "most"),
    [(entry(7, "10.9.9.9"), 6), (route(7, "v2"), 3), (rule(7, "SIMPLE"), 1), (entry(999), 20)],
    ids=["endpoint", "virtual service", "destination rule", "new service"],
)
def test_one_change_costs_a_handful_of_computations(large: Mesh, change: str, most: int) -> None:
    view = scope_of(large)
    read_everything(large, view)
    assert read_everything(large, view) == 0

    apply(large, change)

    assert read_everything(large, view) <= most


def test_proxies_share_what_does_not_depend_on_their_labels(large: Mesh) -> None:
    read_everything(large, scope_of(large, "default", app="a"))

    assert read_everything(large, scope_of(large, "default", app="b")) == 0
