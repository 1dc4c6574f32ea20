"""Istio's security tasks as its documentation gives them, with their verifications."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.mesh.running import RunningMesh, eventually
from tests.mesh.test_authorization import status
from tests.mesh.test_rate_limit import key_set, token

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.root,
    pytest.mark.parametrize("shared_mesh", ["root"], indirect=True),
]

CLIENT = "client.app"
REVIEWS = "http://reviews.app"
ISSUER = "testing@secure.istio.io"


def policy(name: str, spec: str, annotations: str = "") -> str:
    lines = "\n".join(f"  {line}" for line in spec.strip().splitlines())
    return f"""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {name}
  namespace: app
  annotations: {{{annotations}}}
spec:
  selector:
    matchLabels:
      app: reviews
{lines}
---
"""


def test_allow_nothing_then_one_viewer(mesh: RunningMesh) -> None:
    mesh.apply(
        "allow-nothing.yaml",
        """
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: allow-nothing
  namespace: app
spec:
  {}
""",
    )
    mesh.settled(CLIENT, REVIEWS, status(403))

    mesh.apply(
        "viewer.yaml",
        policy(
            "viewer",
            """
action: ALLOW
rules:
- from:
  - source:
      principals: ["cluster.local/ns/app/sa/client"]
  to:
  - operation:
      methods: ["GET"]
""",
        ),
    )

    mesh.settled(CLIENT, REVIEWS, status(200))
    mesh.settled(CLIENT, REVIEWS, status(403), method="POST")
    mesh.settled(CLIENT, "http://flaky.app", status(403))


def test_tcp_is_allowed_by_port_and_http_fields_make_an_allow_rule_never_match(
    mesh: RunningMesh,
) -> None:
    def tcp() -> bool:
        answer = mesh.call(CLIENT, "tcp://reviews.app:9001", body="port 9001")
        return answer.body.startswith("reviews-v")

    ports = 'rules:\n- to:\n  - operation:\n      ports: ["9000", "9001"]\n'
    mesh.apply("tcp-policy.yaml", policy("tcp-policy", "action: ALLOW\n" + ports))
    mesh.settled(CLIENT, REVIEWS, status(403))
    assert eventually(lambda: [tcp() for _ in range(4)], all)

    mesh.apply(
        "tcp-policy.yaml", policy("tcp-policy", f'action: ALLOW\n{ports}      methods: ["GET"]')
    )
    eventually(lambda: [tcp() for _ in range(4)], lambda seen: not any(seen))

    mesh.apply(
        "tcp-policy.yaml",
        policy("tcp-policy", f'action: DENY\n{ports}      methods: ["GET"]'),
    )
    mesh.settled(CLIENT, REVIEWS, status(200))
    eventually(lambda: [tcp() for _ in range(4)], lambda seen: not any(seen))


def test_tokens_are_checked_and_groups_are_required(mesh: RunningMesh) -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    def bearer(**claims: object) -> dict[str, str]:
        held = {"iss": ISSUER, "sub": ISSUER, **claims}
        return {"authorization": f"Bearer {token(key, **held)}"}

    mesh.apply(
        "jwt-example.yaml",
        f"""
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: jwt-example
  namespace: app
spec:
  selector:
    matchLabels:
      app: reviews
  jwtRules:
  - issuer: {ISSUER}
    jwks: '{key_set(key)}'
    outputClaimToHeaders:
    - header: x-jwt-claim-foo
      claim: foo
""",
    )
    mesh.settled(CLIENT, REVIEWS, status(401), headers={"authorization": "Bearer invalidToken"})
    mesh.settled(CLIENT, REVIEWS, status(200))
    answers = mesh.settled(CLIENT, REVIEWS, status(200), headers=bearer(foo="bar"))
    assert {each.seen["headers"]["x-jwt-claim-foo"] for each in answers} == {"bar"}

    mesh.apply(
        "require-jwt.yaml",
        policy(
            "require-jwt",
            f"""
action: ALLOW
rules:
- from:
  - source:
      requestPrincipals: ["{ISSUER}/{ISSUER}"]
  when:
  - key: request.auth.claims[groups]
    values: ["group1"]
""",
        ),
    )

    mesh.settled(CLIENT, REVIEWS, status(403))
    mesh.settled(CLIENT, REVIEWS, status(403), headers=bearer())
    mesh.settled(CLIENT, REVIEWS, status(200), headers=bearer(groups=["group1", "group2"]))
    mesh.settled(CLIENT, REVIEWS, status(401), headers=bearer(groups=["group1"], exp=1))


def test_a_dry_run_refuses_nothing_and_tells_what_it_would(mesh: RunningMesh) -> None:
    mesh.apply(
        "deny-path-headers.yaml",
        policy(
            "deny-path-headers",
            """
action: DENY
rules:
- to:
  - operation:
      paths: ["/headers"]
""",
            '"istio.io/dry-run": "true"',
        ),
    )

    def trail() -> str:
        mesh.settled(CLIENT, f"{REVIEWS}/headers", status(200))
        words = ("--decision", "would-refuse", "--object", "reviews.app/headers", "-o", "json")
        return mesh.lateen("audit", "--mesh", mesh.name, *words).stdout

    assert "deny-path-headers" in eventually(trail, bool)


class Authorizer(BaseHTTPRequestHandler):
    """The sample of Istio's task: it allows what carries `x-ext-authz: allow`."""

    def do_GET(self) -> None:
        allows = self.headers.get("x-ext-authz") == "allow"
        self.send_response(200 if allows else 403)
        self.send_header("x-ext-authz-check-result", "allowed" if allows else "denied")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def authorizer(mesh: RunningMesh) -> Iterator[int]:
    server = ThreadingHTTPServer((mesh.host_address, 0), Authorizer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_an_authorizer_outside_decides(mesh: RunningMesh, authorizer: int) -> None:
    mesh.apply(
        "ext-authz.yaml",
        f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data:
  mesh: |-
    extensionProviders:
    - name: "sample-ext-authz-http"
      envoyExtAuthzHttp:
        service: "external-authz-http.local"
        port: "8000"
        includeRequestHeadersInCheck: ["x-ext-authz"]
        headersToUpstreamOnAllow: ["x-ext-authz-check-result"]
        headersToDownstreamOnDeny: ["x-ext-authz-check-result"]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: external-authz-http-local
  namespace: app
spec:
  hosts:
  - "external-authz-http.local" # The service name to be used in the extension provider.
  endpoints:
  - address: "{mesh.host_address}"
  ports:
  - name: http
    number: 8000
    targetPort: {authorizer}
    protocol: HTTP
  resolution: STATIC
---
"""
        + policy(
            "ext-authz",
            """
action: CUSTOM
provider:
  name: sample-ext-authz-http
rules:
- to:
  - operation:
      paths: ["/headers"]
""",
        ),
    )

    said = "x-ext-authz-check-result"
    mesh.settled(
        CLIENT,
        f"{REVIEWS}/headers",
        lambda each: each.status == 403 and each.headers.get(said) == "denied",
        headers={"x-ext-authz": "deny"},
    )
    mesh.settled(
        CLIENT,
        f"{REVIEWS}/headers",
        lambda each: each.status == 200 and each.seen["headers"].get(said) == "allowed",
        headers={"x-ext-authz": "allow"},
    )
    mesh.settled(CLIENT, f"{REVIEWS}/ip", status(200))


def test_policies_of_the_old_trust_domain_hold_once_it_is_an_alias(mesh: RunningMesh) -> None:
    mesh.apply(
        "policy.yaml",
        policy(
            "service-httpbin",
            """
rules:
- from:
  - source:
      principals:
      - old-td/ns/app/sa/client
  to:
  - operation:
      methods:
      - GET
""",
        ),
    )
    mesh.settled(CLIENT, REVIEWS, status(403))

    mesh.apply(
        "mesh.yaml",
        """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "trustDomainAliases: [old-td]"}
""",
    )

    mesh.settled(CLIENT, REVIEWS, status(200))


def peers(name: str, mode: str, *, namespace: str = "app", more: str = "") -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: {name}
  namespace: {namespace}
spec:
  mtls:
    mode: {mode}
  {more}
---
"""


def test_mutual_tls_is_locked_down_by_namespace_mesh_and_port(mesh: RunningMesh) -> None:
    plain = f"http://{mesh.pods('reviews-v1')[0]['address']}:8080/"
    mesh.settled("legacy.app", plain, status(200))

    mesh.apply("default.yaml", peers("default", "STRICT"))
    mesh.settled("legacy.app", plain, lambda each: bool(each.error))
    mesh.settled(CLIENT, REVIEWS, status(200))

    mesh.apply("default.yaml", peers("default", "STRICT", namespace="istio-system"))
    mesh.settled("legacy.app", plain, lambda each: bool(each.error))

    port = "selector: {matchLabels: {app: reviews}}\n  portLevelMtls: {8080: {mode: DISABLE}}"
    mesh.apply("port.yaml", peers("reviews", "STRICT", more=port))
    mesh.settled("legacy.app", plain, status(200))
    mesh.settled(CLIENT, REVIEWS, lambda each: each.status == 200 and each.seen["caller"] == "")
