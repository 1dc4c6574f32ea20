"""RateLimits on real proxies."""

import base64
import json
import os
import signal

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.mesh.running import Answer, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

HEAD = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: NAME, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
"""
URL = "http://reviews.app/limited/a"
TOGETHER = 8  # requests that pass at both proxies together


def limit(name: str, rest: str) -> str:
    """A name of its own for each test: the service remembers what it has counted."""
    return f"{HEAD.replace('NAME', name)}{rest}"


def limited(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 429]


def calls(mesh: RunningMesh, user: str, count: int = 40, url: str = URL) -> list[Answer]:
    return mesh.calls("client.app", url, count=count, headers={"x-user": user})


def in_force(mesh: RunningMesh, least: int) -> None:
    """Waits until so many of 40 requests of somebody new are refused."""
    users = iter(range(1000))
    eventually(
        lambda: calls(mesh, f"warm-up-{next(users)}"),
        lambda answers: len(limited(answers)) >= least,
    )


def test_a_local_limit_gives_each_user_a_budget_at_each_proxy(mesh: RunningMesh) -> None:
    rule = """
  rules:
  - name: per-user
    to: [{operation: {paths: ["/limited/*"]}}]
    by: [{header: {name: x-user}}]
    local: {requests: 5, unit: HOUR}
  response: {status: 429, headers: {x-limited-by: lateen}}
"""
    mesh.apply("limit.yaml", limit("local", rule))
    in_force(mesh, 30)

    answers = calls(mesh, "ann")

    assert len(limited(answers)) == 30  # five at each of two proxies pass
    refused = limited(answers)[0]
    assert refused.headers["x-ratelimit-limit"] == "5"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["retry-after"]) > 60
    assert refused.headers["x-limited-by"] == "lateen"
    assert not limited(calls(mesh, "ann", url="http://reviews.app/free"))


def test_two_proxies_share_a_global_limit_which_the_client_is_told(mesh: RunningMesh) -> None:
    rule = f"""
  rules:
  - name: per-user
    from: [{{source: {{principals: [cluster.local/ns/app/sa/client]}}}}]
    by: [{{header: {{name: x-user}}}}, {{principal: {{}}}}]
    global: {{requests: {TOGETHER}, unit: DAY}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: sees-nothing, namespace: app}}
spec: {{workloadSelector: {{labels: {{app: reviews}}}}, egress: [{{hosts: ["./client.app"]}}]}}
"""
    mesh.apply("limit.yaml", limit("together", rule))
    in_force(mesh, 40 - TOGETHER)

    answers = calls(mesh, "ann")

    assert len(limited(answers)) == 40 - TOGETHER
    refused = limited(answers)[0]
    assert refused.headers["x-ratelimit-limit"].startswith(f"{TOGETHER}")
    assert refused.headers["x-ratelimit-remaining"] == "0"
    passed = [answer.seen["workload"] for answer in answers if answer.status == 200]
    assert set(passed) == {"reviews-v1", "reviews-v2"}


def test_shadow_rules_refuse_nothing_beside_the_limit_of_the_whole_mesh(mesh: RunningMesh) -> None:
    rule = """
  rules:
  - {name: seen, by: [{header: {name: x-user}}], shadow: true, local: {requests: 1, unit: DAY}}
  - {name: asked, shadow: true, global: {requests: 1, unit: DAY}}
---
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: everywhere, namespace: istio-system}
spec:
  rules:
  - name: per-user
    to: [{operation: {hosts: ["reviews.*"]}}]
    by: [{header: {name: x-user}}]
    local: {requests: 10, unit: DAY}
"""
    mesh.apply("limit.yaml", limit("shadow", rule))
    in_force(mesh, 20)  # ten at each of two proxies pass

    assert len(limited(calls(mesh, "ann"))) == 20


def test_without_its_service_the_failure_mode_decides(mesh: RunningMesh) -> None:
    rule = """
  rules:
  - {name: all, by: [{header: {name: x-user}}], global: {requests: 8, unit: DAY}}
  service: {host: nobody.app.svc.cluster.local, failureMode: DENY}
"""
    nobody = """
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: app}
spec: {selector: {app: nobody}, ports: [{name: grpc, port: 8081}]}
"""
    mesh.apply("limit.yaml", limit("failing", rule + nobody))
    mesh.settled("client.app", URL, lambda answer: answer.status == 500)

    mesh.apply("limit.yaml", limit("failing", rule.replace("DENY", "ALLOW") + nobody))
    mesh.settled("client.app", URL, lambda answer: answer.status == 200)


def test_a_service_that_was_killed_comes_back_and_counts(mesh: RunningMesh) -> None:
    rule = """
  rules:
  - {name: all, by: [{header: {name: x-user}}], global: {requests: 8, unit: DAY}}
"""
    mesh.apply("limit.yaml", limit("killed", rule))
    in_force(mesh, 32)
    before = services_of(mesh)

    for pid in before:
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: services_of(mesh), lambda found: bool(found) and found != before)
    in_force(mesh, 32)


def test_connections_beyond_their_limit_are_closed(mesh: RunningMesh) -> None:
    rule = """
  connections:
  - {name: tcp, ports: [9001], local: {connections: 5, unit: HOUR}}
  - {name: together, ports: [9001], global: {connections: 6, unit: DAY}}
"""

    def refused() -> list[Answer]:
        answers = mesh.calls("client.app", "tcp://reviews.app:9001", count=20)
        return [answer for answer in answers if answer.error]

    assert not refused()
    mesh.apply("limit.yaml", limit("tcp", rule))
    eventually(refused, lambda answers: len(answers) == 20)
    # A connection from before the change may still answer once by what held then.
    eventually(lambda: limited(calls(mesh, "ann")), lambda answers: not answers)


def test_a_gateway_limits_by_the_address_of_clients(mesh: RunningMesh) -> None:
    text = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: limited, namespace: istio-ingress}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["limited.example.com"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: limited, namespace: app}
spec:
  hosts: [limited.example.com]
  gateways: [istio-ingress/limited]
  http: [{route: [{destination: {host: reviews.app.svc.cluster.local}}]}]
---
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: limited, namespace: istio-ingress}
spec:
  selector: {matchLabels: {istio: ingressgateway}}
  rules:
  - name: per-client
    to: [{operation: {hosts: [limited.example.com], paths: ["/a/{*}"]}}]
    by: [{remoteAddress: {}}, {path: {templates: ["/a/{*}"]}}, {destination: {}}]
    global: {requests: 8, unit: DAY}
"""
    mesh.apply("limit.yaml", text)

    def statuses(path: str) -> list[int]:
        url, host = f"http://{mesh.gateway(80)}{path}", {"host": "limited.example.com"}
        return [httpx.get(url, headers=host, timeout=5).status_code for _ in range(20)]

    found = eventually(lambda: statuses("/a/b"), lambda found: found.count(429) >= 12)

    assert set(found) <= {200, 429}
    assert set(statuses("/b")) == {200}


def test_claims_of_verified_tokens_have_budgets_and_choose_rules(mesh: RunningMesh) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    rule = f"""
  rules:
  - name: per-subject
    when: [{{key: "request.auth.claims[tier]", values: [free]}}]
    by: [{{claim: {{path: [sub]}}}}]
    global: {{requests: {TOGETHER}, unit: DAY}}
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: app}}
spec:
  selector: {{matchLabels: {{app: reviews}}}}
  jwtRules:
  - issuer: tests
    jwks: '{key_set(key)}'
"""
    mesh.apply("limit.yaml", limit("claims", rule))
    subjects = iter(range(1000))

    def asked(subject: str, tier: str = "free") -> list[Answer]:
        bearer = f"Bearer {token(key, sub=subject, tier=tier)}"
        return mesh.calls("client.app", URL, count=20, headers={"authorization": bearer})

    eventually(
        lambda: asked(f"warm-up-{next(subjects)}"),
        lambda answers: len(limited(answers)) == 20 - TOGETHER,
    )

    assert len(limited(asked("ann"))) == 20 - TOGETHER
    assert {answer.status for answer in asked("ann", tier="paid")} == {200}


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def key_set(key: ec.EllipticCurvePrivateKey) -> str:
    numbers = key.public_key().public_numbers()
    point = {
        "x": encoded(numbers.x.to_bytes(32, "big")),
        "y": encoded(numbers.y.to_bytes(32, "big")),
    }
    return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", **point}]})


def token(key: ec.EllipticCurvePrivateKey, **claims: object) -> str:
    head = json.dumps({"alg": "ES256", "kid": "a"}).encode()
    body = json.dumps({"iss": "tests", "exp": 4_000_000_000, **claims}).encode()
    signed = f"{encoded(head)}.{encoded(body)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def services_of(mesh: RunningMesh) -> list[int]:
    """The processes of the mesh's rate limit service."""
    mark = f"LATEEN_MESH_STATE={mesh.state / mesh.name}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                words = line.read().split(b"\0")
            with open(f"/proc/{entry}/environ", "rb") as variables:
                marked = mark in variables.read().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if marked and b"rate-limit" in words:
            found.append(int(entry))
    return found
