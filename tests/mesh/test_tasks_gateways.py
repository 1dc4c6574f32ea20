"""Istio's ingress tasks as its documentation gives them, with their verifications."""

import base64
import json
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.mesh.certificates import Authority
from tests.mesh.running import Answer, RunningMesh, calls_from_here, eventually
from tests.mesh.test_rate_limit import key_set, token

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.root,
    pytest.mark.parametrize("shared_mesh", ["root"], indirect=True),
]

ISSUER = "testing@secure.istio.io"
SECURE = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: mygateway
  namespace: istio-ingress
spec:
  selector:
    istio: ingressgateway # use istio default ingress gateway
  servers:
  - port:
      number: 443
      name: https-httpbin
      protocol: HTTPS
    tls:
      mode: SIMPLE
      credentialName: httpbin-credential
    hosts:
    - httpbin.example.com
  - port:
      number: 443
      name: https-helloworld
      protocol: HTTPS
    tls:
      mode: SIMPLE
      credentialName: helloworld-credential
    hosts:
    - helloworld.example.com
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: httpbin
  namespace: app
spec:
  hosts:
  - "httpbin.example.com"
  gateways:
  - istio-ingress/mygateway
  http:
  - match:
    - uri:
        prefix: /status
    - uri:
        prefix: /delay
    route:
    - destination:
        port:
          number: 80
        host: reviews
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: helloworld
  namespace: app
spec:
  hosts:
  - helloworld.example.com
  gateways:
  - istio-ingress/mygateway
  http:
  - match:
    - uri:
        exact: /hello
    route:
    - destination:
        host: reviews
        port:
          number: 80
"""


def secret(name: str, fields: Mapping[str, bytes]) -> str:
    written = {key: base64.b64encode(text).decode() for key, text in fields.items()}
    return f"""---
apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: istio-ingress}}
data: {json.dumps(written)}
"""


class Visitor:
    """Asks the gateway over TLS and knows the authority of its certificates."""

    def __init__(self, mesh: RunningMesh, folder: Path) -> None:
        self._gateway, self._folder = mesh.pods("ingressgateway")[0]["address"], folder
        self.authority = Authority()
        (folder / "example.com.crt").write_bytes(self.authority.certificate)
        (folder / "client.pem").write_bytes(b"".join(self.authority.issue("client.example.com")))

    def credential(self, host: str) -> dict[str, bytes]:
        certificate, key = self.authority.issue(host)
        return {"tls.crt": certificate, "tls.key": key}

    def ask(self, host: str, path: str, *, shows_certificate: bool = False) -> tuple[str, str]:
        """The status line, or why there is none; and the certificate's serial number."""
        context = ssl.create_default_context(cafile=str(self._folder / "example.com.crt"))
        if shows_certificate:
            context.load_cert_chain(self._folder / "client.pem")
        try:
            with (
                socket.create_connection((self._gateway, 8443), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname=host) as tls,
            ):
                shown = tls.getpeercert() or {}
                request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
                tls.sendall(request.encode())
                line = tls.recv(4096).partition(b"\r\n")[0].decode()
                return line, str(shown["serialNumber"])
        except OSError as trouble:
            return f"refused: {trouble}", ""


@pytest.fixture
def visitor(mesh: RunningMesh, tmp_path: Path) -> Visitor:
    return Visitor(mesh, tmp_path)


def test_hosts_have_certificates_of_their_own_that_change_live(
    mesh: RunningMesh, visitor: Visitor
) -> None:
    httpbin, helloworld = "httpbin.example.com", "helloworld.example.com"
    mesh.apply("httpbin.yaml", secret("httpbin-credential", visitor.credential(httpbin)))
    mesh.apply("gateway.yaml", SECURE)
    _, serial = eventually(
        lambda: visitor.ask(httpbin, "/status/418"), lambda seen: " 418 " in seen[0]
    )
    assert visitor.ask(helloworld, "/hello")[0].startswith("refused"), "its secret is missing"

    mesh.apply("helloworld.yaml", secret("helloworld-credential", visitor.credential(helloworld)))
    eventually(lambda: visitor.ask(helloworld, "/hello"), lambda seen: " 200 " in seen[0])
    mesh.apply("httpbin.yaml", secret("httpbin-credential", visitor.credential(httpbin)))

    changed = eventually(
        lambda: visitor.ask(httpbin, "/status/200"), lambda seen: seen[1] not in ("", serial)
    )
    assert " 200 " in changed[0]
    words = ("proxy-config", "secret", "ingressgateway.istio-ingress", "--mesh", mesh.name)
    shown = mesh.lateen(*words).stdout
    assert f"{int(changed[1], 16):x}" in shown, "as istioctl proxy-config secret shows it"


def test_mutual_tls_takes_the_clients_authority_from_a_second_secret(
    mesh: RunningMesh, visitor: Visitor
) -> None:
    host = "httpbin.example.com"
    mesh.apply(
        "secrets.yaml",
        secret("httpbin-credential", visitor.credential(host))
        + secret("httpbin-credential-cacert", {"cacert": visitor.authority.certificate}),
    )
    mesh.apply("gateway.yaml", SECURE.replace("mode: SIMPLE", "mode: MUTUAL", 1))

    eventually(
        lambda: visitor.ask(host, "/status/418", shows_certificate=True),
        lambda seen: " 418 " in seen[0],
    )
    assert "418" not in visitor.ask(host, "/status/418")[0], "no certificate"


# -- who comes in ------------------------------------------------------------------------------

HTTPBIN = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: httpbin-gateway
  namespace: istio-ingress
spec:
  selector:
    istio: ingressgateway
  servers:
  - port:
      number: 80
      name: http
      protocol: HTTP
    hosts:
    - "*"
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: httpbin
  namespace: app
spec:
  hosts:
  - "*"
  gateways:
  - istio-ingress/httpbin-gateway
  http:
  - match:
    - uri:
        prefix: /headers
      headers:
        "@request.auth.claims.groups":
          exact: group1
    route:
    - destination:
        port:
          number: 80
        host: reviews
  - match:
    - uri:
        prefix: /ip
    route:
    - destination:
        port:
          number: 80
        host: reviews
---
"""


def asked(mesh: RunningMesh, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    gateway = mesh.pods("ingressgateway")[0]["address"]
    headers = {"host": "httpbin.example.com", **(headers or {})}
    return calls_from_here(f"http://{gateway}:8080{path}", headers=headers)[0]


def test_claims_of_verified_tokens_choose_routes(mesh: RunningMesh) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    mesh.apply("gateway.yaml", HTTPBIN)
    mesh.apply(
        "tokens.yaml",
        f"""
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata:
  name: ingress-jwt
  namespace: istio-ingress
spec:
  selector:
    matchLabels:
      istio: ingressgateway
  jwtRules:
  - issuer: {ISSUER}
    jwks: '{key_set(key)}'
""",
    )

    def status(groups: list[str]) -> int:
        claims = {"iss": ISSUER, "sub": ISSUER, "groups": groups}
        bearer = {"authorization": f"Bearer {token(key, **claims)}"}
        return asked(mesh, "/headers", bearer).status

    eventually(lambda: status(["group1", "group2"]), lambda found: found == 200)
    assert status(["group2"]) == 404
    assert asked(mesh, "/headers").status == 404, "no token"
    assert asked(mesh, "/headers", {"authorization": "Bearer some.invalid.token"}).status == 401


@pytest.mark.parametrize("action", ["ALLOW", "DENY"])
def test_the_gateway_goes_by_the_address_of_clients(mesh: RunningMesh, action: str) -> None:
    listed, other = (200, 403) if action == "ALLOW" else (403, 200)

    def policy(addresses: str) -> str:
        return f"""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: ingress-policy
  namespace: istio-ingress
spec:
  selector:
    matchLabels:
      app: ingressgateway
  action: {action}
  rules:
  - from:
    - source:
        ipBlocks: {addresses}
"""

    mesh.apply("gateway.yaml", HTTPBIN)
    mesh.apply("policy.yaml", policy('["1.2.3.4", "5.6.7.0/24"]'))
    eventually(lambda: asked(mesh, "/ip").status, lambda found: found == other)

    mesh.apply("policy.yaml", policy(f'["1.2.3.4", "5.6.7.0/24", "{mesh.host_address}"]'))

    eventually(lambda: asked(mesh, "/ip").status, lambda found: found == listed)
