"""The trail of a running mesh: what its proxies decided, what its control plane did, no secrets."""

import json
import subprocess
from typing import Any

import pytest

from tests.mesh.running import LATEEN, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

URL = "http://reviews.app/"
POLICIES = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: private, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  action: DENY
  rules: [{to: [{operation: {paths: ["/private*"]}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: planned, namespace: app, annotations: {istio.io/dry-run: "true"}}
spec:
  selector: {matchLabels: {app: reviews}}
  action: DENY
  rules: [{to: [{operation: {paths: ["/planned*"]}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: watched, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  action: AUDIT
  rules: [{to: [{operation: {paths: ["/watched*"]}}]}]
"""


def audit(mesh: RunningMesh, *words: str) -> list[dict[str, Any]]:
    done = mesh.lateen("audit", "--mesh", mesh.name, "-o", "json", *words)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_refused_would_be_refused_and_audited_requests_are_in_the_trail(mesh: RunningMesh) -> None:
    mesh.apply("policies.yaml", POLICIES)
    mesh.settled("client", f"{URL}private?key=hidden", lambda answer: answer.status == 403)
    mesh.settled("client", f"{URL}planned", lambda answer: answer.status == 200)
    mesh.settled("client", f"{URL}watched", lambda answer: answer.status == 200)
    mesh.settled("client", f"{URL}public", lambda answer: answer.status == 200)

    found = eventually(
        lambda: audit(mesh, "--action", "request"),
        lambda lines: {"refused", "would-refuse", "audited"} <= {x["decision"] for x in lines},
    )
    by_decision = {line["decision"]: line for line in found}
    refused = by_decision["refused"]
    assert refused["object"].endswith("/private")  # without its query
    assert refused["reason"] == "policy ns[app]-policy[private]-rule[0]"
    assert refused["actor"] == "spiffe://cluster.local/ns/app/sa/client"
    assert refused["correlation"]
    assert refused["detail"]["pod"].startswith("reviews-v")
    assert refused["detail"]["code"] == "403"
    planned = by_decision["would-refuse"]
    assert planned["object"].endswith("/planned")
    assert planned["reason"] == "policy ns[app]-policy[planned]-rule[0]"
    assert by_decision["audited"]["object"].endswith("/watched")
    assert not [line for line in found if "/public" in line["object"]]
    assert "hidden" not in json.dumps(found)
    only = audit(mesh, "--action", "request", "--decision", "audited", "--identity", "sa/client")
    assert {line["decision"] for line in only} == {"audited"}
    mesh.remove("policies.yaml")


def test_the_control_plane_records_its_decisions_and_the_trail_is_whole(mesh: RunningMesh) -> None:
    identity = "spiffe://cluster.local/ns/app/sa/client"
    issued = audit(mesh, "--action", "certificate.issue", "--identity", identity)
    assert issued
    assert all(line["detail"]["serial"] for line in issued)
    assert audit(mesh, "--action", "xds.stream", "--identity", identity)
    assert audit(mesh, "--action", "configuration.apply", "--object", "Deployment")
    done = mesh.lateen("audit", "verify", "--mesh", mesh.name)
    assert done.stdout.count("are whole") == 2
    follower = subprocess.Popen(
        [*LATEEN, "audit", "--mesh", mesh.name, "--follow", "--action", "token.issue"],
        stdout=subprocess.PIPE, text=True, env=mesh.environment,
    )  # fmt: skip
    mesh.lateen("token", "create", "-n", "app", "--service-account", "late", "--mesh", mesh.name)
    assert follower.stdout is not None
    assert "app/late" in follower.stdout.readline()
    follower.kill()
    follower.wait()
