"""Which backends a route may lead to, and how both prove themselves."""

import pytest

from tests.mesh.gateway_api.edge import Recorder, ask
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]


def test_a_backend_that_is_not_there_is_answered_500(edge: RunningMesh) -> None:
    assert ask(edge, "absent").status_code >= 500
    found = edge.statuses()["HTTPRoute", "app", "absent"]["parents"][0]["conditions"]
    assert [each["reason"] for each in found if each["type"] == "ResolvedRefs"] == [
        "BackendNotFound"
    ]


def test_a_backend_of_another_namespace_needs_a_grant(edge: RunningMesh) -> None:
    assert ask(edge, "refused").status_code == 500
    edge.apply(
        "grant.yaml",
        "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n"
        "metadata: {name: edge, namespace: istio-ingress}\n"
        "spec:\n  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: app}]\n"
        '  to: [{group: "", kind: Service, name: ingressgateway}]\n',
    )
    try:
        eventually(lambda: ask(edge, "refused").status_code, lambda status: status != 500)
    finally:
        edge.forget([edge.folder / "grant.yaml"])


def test_a_backend_is_called_over_tls_that_its_policy_verifies(edge: RunningMesh) -> None:
    seen = ask(edge, "tls").json()

    assert seen["workload"] == "secure"


def test_a_backend_is_shown_the_certificate_of_the_gateway(
    edge: RunningMesh, strict: Recorder
) -> None:
    assert ask(edge, "strict", "/known").status_code == 204
    assert [path for _, path in strict.asked] == ["/known"]
    assert edge.call("client.app", "http://strict.example/unknown").status == 503
    assert len(strict.asked) == 1


@pytest.mark.parametrize("name", ["misnamed", "unverified"])
def test_a_backend_that_cannot_prove_its_name_is_not_called(edge: RunningMesh, name: str) -> None:
    assert ask(edge, name).status_code == 503
    assert edge.call("client.app", f"http://{name}.app/").status == 503


def test_calls_inside_the_mesh_follow_the_policy_too(edge: RunningMesh) -> None:
    answers = edge.calls("client.app", "http://secure.app/", count=4)

    assert {each.seen["workload"] for each in answers} == {"secure"}
