"""Who may do what: policies enforced on real traffic, by the identities of real certificates."""

from collections.abc import Callable

import pytest

from tests.mesh.running import Answer, RunningMesh

pytestmark = [pytest.mark.envoy, pytest.mark.root]

ONLY_THE_CLIENT_READS = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: readers, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  action: ALLOW
  rules:
  - from: [{source: {principals: [cluster.local/ns/app/sa/client]}}]
    to: [{operation: {methods: [GET], paths: ["/public/*"]}}]
"""
NO_PRIVATE_PATHS = """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: private, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  action: DENY
  rules:
  - to: [{operation: {paths: ["/private*"]}}]
    when: [{key: "request.headers[x-pass]", notValues: [open]}]
"""
TOKENS = """
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  jwtRules: [{issuer: someone, jwksUri: "https://keys.example.com/none"}]
"""
URL = "http://reviews.app"


def status(code: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status == code


def test_an_allow_policy_lets_nothing_else_through(mesh: RunningMesh) -> None:
    mesh.apply("readers.yaml", ONLY_THE_CLIENT_READS)

    mesh.settled("client.app", f"{URL}/other", status(403))
    mesh.settled("client.app", f"{URL}/public/a", status(200))
    refused = mesh.settled("client.app", f"{URL}/public/a", status(403), method="POST")
    assert {answer.body for answer in refused} == {"RBAC: access denied"}
    address = mesh.pods("reviews-v1")[0]["address"]
    mesh.settled("legacy.app", f"http://{address}:8080/public/a", status(403))


def test_a_deny_policy_refuses_what_it_names(mesh: RunningMesh) -> None:
    mesh.apply("private.yaml", NO_PRIVATE_PATHS)

    mesh.settled("client.app", f"{URL}/private/a", status(403))
    mesh.settled("client.app", f"{URL}/a", status(200))
    mesh.settled("client.app", f"{URL}/private/a", status(200), headers={"x-pass": "open"})


def test_a_token_that_cannot_be_checked_is_refused_and_none_is_fine(mesh: RunningMesh) -> None:
    mesh.apply("tokens.yaml", TOKENS)
    token = {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJzb21lb25lIn0.x"}

    mesh.settled("client.app", URL, status(401), headers=token)
    mesh.settled("client.app", URL, status(200))
