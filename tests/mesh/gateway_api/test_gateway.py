"""The Gateway and the Ingress themselves: who they are, and where they say that they are."""

import pytest

from tests.mesh.gateway_api.edge import ask
from tests.mesh.running import RunningMesh

pytestmark = [pytest.mark.envoy, pytest.mark.root]

MADE_FOR_IT = "spiffe://cluster.local/ns/app/sa/edge-istio"


def test_a_gateway_has_a_proxy_with_an_identity_of_its_own(edge: RunningMesh) -> None:
    seen = ask(edge, "headers").json()

    assert seen["caller"] == MADE_FOR_IT


def test_its_status_says_where_it_is_offered(edge: RunningMesh) -> None:
    written = edge.statuses()["Gateway", "app", "edge"]

    assert written["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    states = {each["type"]: each["status"] for each in written["conditions"]}
    assert states == {"Accepted": "True", "Programmed": "True", "ResolvedRefs": "True"}


def test_an_ingress_tells_the_address_of_its_gateway(edge: RunningMesh) -> None:
    written = edge.statuses()["Ingress", "app", "old"]

    assert written["loadBalancer"]["ingress"][0]["ip"] == "127.0.0.1"
