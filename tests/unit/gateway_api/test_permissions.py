"""References across namespaces need a grant of the namespace that they point into."""

import pytest

from lateen.api.resource import Key
from lateen.gateway_api import routes
from tests.unit.gateway_api import world
from tests.unit.gateway_api.world import route

TO_OTHER = "[{backendRefs: [{name: web, namespace: shop, port: 80}]}]"
GRANT = """
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: grant, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: FROM}]
  to: [{group: "", kind: Service, name: NAME}]
"""


def fault(*grants: str) -> str:
    mesh = world.mesh(route("a", "a.example.com", TO_OTHER, namespace="other"), *grants)
    found = routes.contribution(mesh, Key("HTTPRoute", "other", "a")).fault
    return found.reason if found is not None else ""


def test_a_backend_of_another_namespace_is_refused_without_a_grant() -> None:
    assert fault() == "RefNotPermitted"


def test_a_granted_backend_is_used() -> None:
    assert fault(GRANT.replace("FROM", "other").replace("NAME", "web")) == ""


@pytest.mark.parametrize(("namespace", "name"), [("third", "web"), ("other", "cart")])
def test_a_grant_for_others_or_for_another_service_does_not_help(namespace: str, name: str) -> None:
    grant = GRANT.replace("FROM", namespace).replace("NAME", name)

    assert fault(grant) == "RefNotPermitted"
