"""When a mesh on this machine runs its own rate limit service, and how it is made known."""

from pathlib import Path

import pytest

from lateen.config import documents
from lateen.local.rate_limit import Surroundings, is_wanted, service_entry
from lateen.local.state import MeshState

LIMIT = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {{name: a, namespace: shop}}
spec: {{rules: [{{name: a, {rule}}}], service: {{{service}}}}}
"""
OWN = """
---
apiVersion: v1
kind: Service
metadata: {name: lateen-rate-limit, namespace: NAMESPACE}
spec: {ports: [{name: grpc, port: 8081}]}
"""
GLOBAL, LOCAL = "global: {requests: 1}", "local: {requests: 1}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LIMIT.format(rule=GLOBAL, service=""), True),
        (LIMIT.format(rule=LOCAL, service=""), False),
        (LIMIT.format(rule=GLOBAL, service="host: rls.shop"), False),
        (LIMIT.format(rule=GLOBAL, service="") + OWN.replace("NAMESPACE", "istio-system"), False),
        (LIMIT.format(rule=GLOBAL, service="") + OWN.replace("NAMESPACE", "shop"), True),
        ("", False),
    ],
)
def test_it_runs_for_global_rules_that_name_no_other_service(text: str, wanted: bool) -> None:
    assert is_wanted(documents.read(text).resources, "istio-system") is wanted


def test_its_entry_has_the_identity_that_its_certificate_has(tmp_path: Path) -> None:
    around = Surroundings(
        state=MeshState(tmp_path),
        folder=tmp_path,
        host="198.18.0.1",
        discovery_port=15012,
        domain="cluster.local",
        root_namespace="istio-system",
        namespace="default",
    )

    spec = service_entry(around, 40123)["spec"]

    assert spec["hosts"] == ["lateen-rate-limit.istio-system.svc.cluster.local"]
    (endpoint,) = spec["endpoints"]
    assert (endpoint["address"], endpoint["ports"]) == ("198.18.0.1", {"grpc": 40123})
    assert endpoint["serviceAccount"] == "lateen-rate-limit"
