"""Gateway API and Ingress on real proxies: a Gateway that is deployed by the mesh, and its routes.

One set of routes for all tests, each with a hostname of its own; they are told apart by that.
"""

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.mesh.certificates import self_signed
from tests.mesh.running import CLIENT, Answer, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

EDGE = "edge-istio.app"
MADE_FOR_IT = "spiffe://cluster.local/ns/app/sa/edge-istio"
WORLD = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: app}
spec:
  gatewayClassName: istio
  allowedListeners: {namespaces: {from: Same}}
  tls: {backend: {clientCertificateRef: {name: secure}}}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: tcp, port: 9100, protocol: TCP}
  - {name: passthrough, port: 8443, protocol: TLS, tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more, namespace: app}
spec:
  parentRef: {name: edge}
  listeners:
  - {name: https, port: 443, protocol: HTTPS, hostname: secure.example,
     tls: {certificateRefs: [{name: secure}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: secure, namespace: app}
stringData: {tls.crt: ROOT, tls.key: KEY}
---
apiVersion: v1
kind: Service
metadata: {name: reviews-v1, namespace: app}
spec: {selector: {app: reviews, version: v1}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: reviews-v2, namespace: app}
spec: {selector: {app: reviews, version: v2}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: secure, namespace: app}
spec:
  selector: {matchLabels: {app: secure}}
  template:
    metadata: {labels: {app: secure, version: v1, sidecar.istio.io/inject: "false"}}
    spec:
      containers:
      - name: secure
        image: example/secure:v1
        command: [lateen, echo]
        args: ["--https=8443", "--certificate=PEM_FILE"]
        env: [{name: WORKLOAD, value: secure}, {name: VERSION, value: v1}]
        ports: [{containerPort: 8443}]
---
apiVersion: v1
kind: Service
metadata: {name: secure, namespace: app}
spec: {selector: {app: secure}, ports: [{name: http, port: 80, targetPort: 8443}]}
---
apiVersion: v1
kind: Service
metadata: {name: secure-itself, namespace: app}
spec: {selector: {app: secure}, ports: [{name: tls, port: 443, targetPort: 8443}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: recorder, namespace: app}
spec:
  hosts: [recorder.example]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: RECORDER_PORT}]
  endpoints: [{address: RECORDER_ADDRESS}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: strict, namespace: app}
spec:
  hosts: [strict.example]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: STRICT_PORT}]
  endpoints: [{address: RECORDER_ADDRESS}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: strict, namespace: app}
spec:
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: strict}]
  validation:
    caCertificateRefs: [{group: "", kind: ConfigMap, name: secure-root}]
    hostname: secure.example
---
apiVersion: v1
kind: ConfigMap
metadata: {name: secure-root, namespace: app}
data: {ca.crt: ROOT}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: secure, namespace: app}
spec:
  targetRefs: [{group: "", kind: Service, name: secure}]
  validation:
    caCertificateRefs: [{group: "", kind: ConfigMap, name: secure-root}]
    hostname: secure.example
---
apiVersion: v1
kind: Service
metadata: {name: misnamed, namespace: app}
spec: {selector: {app: secure}, ports: [{name: http, port: 80, targetPort: 8443}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: misnamed, namespace: app}
spec:
  targetRefs: [{group: "", kind: Service, name: misnamed}]
  validation:
    caCertificateRefs: [{group: "", kind: ConfigMap, name: secure-root}]
    hostname: other.example
---
apiVersion: v1
kind: Service
metadata: {name: unverified, namespace: app}
spec: {selector: {app: secure}, ports: [{name: http, port: 80, targetPort: 8443}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: unverified, namespace: app}
spec:
  targetRefs: [{group: "", kind: Service, name: unverified}]
  validation:
    caCertificateRefs: [{group: "", kind: ConfigMap, name: nothing}]
    hostname: secure.example
"""
ROUTES = {
    "versions": """
  - matches: [{headers: [{name: x-version, value: v2}]}]
    backendRefs: [{name: reviews-v2, port: 80}]
  - backendRefs: [{name: reviews-v1, port: 80, weight: 9}, {name: reviews-v2, port: 80}]
""",
    "redirect": """
  - filters:
    - type: RequestRedirect
      requestRedirect: {scheme: https, hostname: new.example, statusCode: 301,
                        path: {type: ReplaceFullPath, replaceFullPath: /moved}}
""",
    "rewrite": """
  - matches: [{path: {type: PathPrefix, value: /old}}]
    filters:
    - type: URLRewrite
      urlRewrite: {hostname: inner.example,
                   path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}
    backendRefs: [{name: reviews, port: 80}]
""",
    "headers": """
  - filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: x-set, value: one}], add: [{name: x-add, value: two}],
                              remove: [x-remove]}
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: x-answer, value: three}]}
    backendRefs: [{name: reviews, port: 80}]
""",
    "mirror": """
  - filters:
    - type: RequestMirror
      requestMirror: {backendRef: {group: networking.istio.io, kind: Hostname,
                                   name: recorder.example, port: 80}}
    backendRefs: [{name: reviews, port: 80}]
""",
    "strict": """
  - backendRefs: [{group: networking.istio.io, kind: Hostname, name: strict.example, port: 80}]
""",
    "timeout": """
  - timeouts: {request: 300ms}
    backendRefs: [{name: reviews, port: 80}]
""",
    "retry": """
  - retry: {codes: [503], attempts: 10}
    backendRefs: [{name: reviews, port: 80}]
""",
    "cors": """
  - filters:
    - type: CORS
      cors: {allowOrigins: ["https://app.example"], allowMethods: [GET, PUT], maxAge: 60}
    backendRefs: [{name: reviews, port: 80}]
""",
    "absent": """
  - backendRefs: [{name: nobody, port: 80}]
""",
    "refused": """
  - backendRefs: [{name: ingressgateway, namespace: istio-ingress, port: 80}]
""",
    "tls": """
  - backendRefs: [{name: secure, port: 80}]
""",
    "misnamed": """
  - backendRefs: [{name: misnamed, port: 80}]
""",
    "unverified": """
  - backendRefs: [{name: unverified, port: 80}]
""",
}
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: app}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  hostnames: [NAME.example]
  rules: RULES"""
STREAMS = """
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TCPRoute
metadata: {name: lines, namespace: app}
spec:
  parentRefs: [{name: edge, sectionName: tcp}]
  rules: [{backendRefs: [{name: reviews, port: 9001}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: secure, namespace: app}
spec:
  parentRefs: [{name: edge, sectionName: passthrough}]
  hostnames: [secure.example]
  rules: [{backendRefs: [{name: secure-itself, port: 443}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ended, namespace: app}
spec:
  parentRefs: [{group: gateway.networking.k8s.io, kind: ListenerSet, name: more}]
  rules: [{backendRefs: [{name: reviews, port: 80}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: inside, namespace: app}
spec:
  parentRefs: [{group: "", kind: Service, name: reviews-v1}]
  rules:
  - matches: [{path: {type: Exact, value: /second}}]
    backendRefs: [{name: reviews-v2, port: 80}]
  - backendRefs: [{name: reviews-v1, port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: old, namespace: app, annotations: {kubernetes.io/ingress.class: istio}}
spec:
  rules:
  - host: ingress.example
    http:
      paths:
      - {path: /shop, pathType: Prefix, backend: {service: {name: reviews-v2, port: {number: 80}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc, namespace: app}
spec:
  parentRefs: [{name: edge, sectionName: http}]
  rules:
  - matches: [{method: {service: echo.Echo, method: Call}}]
    backendRefs: [{name: reviews, port: 9000}]
"""


@dataclass
class Recorder:
    """A server on this machine that keeps what it was asked."""

    address: tuple[str, int] = ("", 0)
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def recorder(shared_mesh: RunningMesh) -> Iterator[Recorder]:
    with recording(shared_mesh.host_address, None) as found:
        yield found


@pytest.fixture(scope="module")
def strict(shared_mesh: RunningMesh, certificate: Path) -> Iterator[Recorder]:
    """Talks to those alone who show the certificate that it has itself."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with recording(shared_mesh.host_address, context) as found:
        yield found


@contextmanager
def recording(address: str, context: ssl.SSLContext | None) -> Iterator[Recorder]:
    found = Recorder()

    class Keep(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.headers["host"], self.path))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer((address, 0), Keep)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    found.address = (address, server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM of chain and key for secure.example."""
    file = tmp_path_factory.mktemp("secure") / "secure.pem"
    file.write_bytes(b"".join(self_signed("secure.example")))
    file.chmod(0o644)
    file.parent.chmod(0o755)
    return file


@pytest.fixture(scope="module")
def edge(
    shared_mesh: RunningMesh, recorder: Recorder, strict: Recorder, certificate: Path
) -> Iterator[RunningMesh]:
    """The shared mesh with all routes of this file, until its last test."""
    mesh = shared_mesh
    root, mark, key = certificate.read_text().partition("-----BEGIN PRIVATE KEY")
    address, port = recorder.address
    world = (
        WORLD.replace("PEM_FILE", str(certificate))
        .replace("ROOT", json.dumps(root))
        .replace("KEY", json.dumps(mark + key))
        .replace("RECORDER_PORT", str(port))
        .replace("STRICT_PORT", str(strict.address[1]))
        .replace("RECORDER_ADDRESS", address)
    )
    routes = (ROUTE.replace("NAME", name).replace("RULES", rules) for name, rules in ROUTES.items())
    mesh.apply("edge-world.yaml", world)
    mesh.apply("edge-routes.yaml", "\n---".join((*routes, STREAMS)))
    eventually(lambda: edge_ports(mesh), lambda ports: {80, 443, 8443, 9100} <= ports)
    eventually(lambda: ask(mesh, "timeout").status_code, lambda status: status == 200)
    yield mesh
    mesh.forget([mesh.folder / "edge-routes.yaml", mesh.folder / "edge-world.yaml"])


def edge_ports(mesh: RunningMesh) -> set[int]:
    """Ports of the Gateway that are offered on this machine, once every pod is ready."""
    done = mesh.lateen("status", "--name", mesh.name, "-o", "json", check=False)
    status = json.loads(done.stdout)[0]["status"]
    if done.returncode:
        return set()
    return {each["port"] for each in status["gateways"] if each["pod"] == EDGE}


def calls_from_here(url: str, **plan: Any) -> list[Answer]:
    """Requests sent by this machine, outside the mesh; see `requests_from_inside`."""
    done = subprocess.run(
        [sys.executable, str(CLIENT)],
        input=json.dumps({"url": url, **plan}), text=True, capture_output=True, check=True,
        timeout=60,
    )  # fmt: skip
    return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


def ask(mesh: RunningMesh, name: str, path: str = "/", **given: Any) -> httpx.Response:
    headers = {"host": f"{name}.example", **given.pop("headers", {})}
    method = given.pop("method", "GET")
    url = f"http://{mesh.gateway(80, EDGE)}{path}"
    return httpx.request(method, url, headers=headers, timeout=10, **given)


def test_a_gateway_has_a_proxy_with_an_identity_of_its_own(edge: RunningMesh) -> None:
    seen = ask(edge, "headers").json()

    assert seen["caller"] == MADE_FOR_IT


def test_its_status_says_where_it_is_offered(edge: RunningMesh) -> None:
    written = edge.statuses()["Gateway", "app", "edge"]

    assert written["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    states = {each["type"]: each["status"] for each in written["conditions"]}
    assert states == {"Accepted": "True", "Programmed": "True", "ResolvedRefs": "True"}


def test_a_header_chooses_the_backend(edge: RunningMesh) -> None:
    answers = [ask(edge, "versions", headers={"x-version": "v2"}) for _ in range(8)]

    assert {each.json()["version"] for each in answers} == {"v2"}


def test_weights_divide_the_requests(edge: RunningMesh) -> None:
    url = f"http://{edge.gateway(80, EDGE)}/"

    answers = calls_from_here(url, count=300, headers={"host": "versions.example"})

    second = sum(each.version == "v2" for each in answers)
    assert 10 <= second <= 60  # of 30 expected


def test_a_redirect_names_the_new_place(edge: RunningMesh) -> None:
    answer = ask(edge, "redirect", "/here")

    assert answer.status_code == 301
    assert answer.headers["location"] == "https://new.example/moved"


def test_host_and_path_are_rewritten(edge: RunningMesh) -> None:
    seen = ask(edge, "rewrite", "/old/page").json()

    assert seen["path"] == "/new/page"
    assert seen["authority"] == "inner.example"
    assert ask(edge, "rewrite", "/older").status_code == 404


def test_headers_are_modified_both_ways(edge: RunningMesh) -> None:
    answer = ask(edge, "headers", headers={"x-set": "old", "x-remove": "gone"})

    headers = answer.json()["headers"]
    assert (headers["x-set"], headers["x-add"]) == ("one", "two")
    assert "x-remove" not in headers
    assert answer.headers["x-answer"] == "three"


def test_a_copy_of_each_request_goes_to_the_mirror(edge: RunningMesh, recorder: Recorder) -> None:
    assert ask(edge, "mirror", "/copied").status_code == 200

    eventually(lambda: list(recorder.asked), lambda asked: any(p == "/copied" for _, p in asked))


def test_a_slow_answer_is_cut_off(edge: RunningMesh) -> None:
    assert ask(edge, "timeout", "/delay?ms=3000").status_code == 504


def test_a_listed_code_is_retried(edge: RunningMesh) -> None:
    answers = [ask(edge, "retry", "/fail?rate=0.3") for _ in range(20)]

    assert {each.status_code for each in answers} == {200}
    attempts = [int(each.json()["headers"]["x-envoy-attempt-count"]) for each in answers]
    assert max(attempts) > 1


def test_a_preflight_is_answered_for_a_known_origin(edge: RunningMesh) -> None:
    wanted = {"origin": "https://app.example", "access-control-request-method": "PUT"}

    answer = ask(edge, "cors", method="OPTIONS", headers=wanted)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "60"


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


def test_grpc_is_routed_by_its_method(edge: RunningMesh) -> None:
    address = edge.gateway(80, EDGE)

    known, unknown = (
        calls_from_here(f"grpc://{address}/echo.Echo/{method}", body="ping")[0]
        for method in ("Call", "Other")
    )

    assert (known.headers.get("grpc-status"), known.body) == ("0", "ping")
    assert unknown.headers.get("grpc-status") != "0"


def test_connections_are_carried_by_port(edge: RunningMesh) -> None:
    host, _, port = edge.gateway(9100, EDGE).partition(":")

    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"ping\n")
        assert connection.recv(100).rstrip().endswith(b"ping")


def over_tls(address: str, certificate: Path) -> str:
    host, _, port = address.partition(":")
    context = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="secure.example") as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nhost: secure.example\r\nconnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(4096), b""))
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["workload"])


def test_tls_is_passed_through_by_its_name(edge: RunningMesh, certificate: Path) -> None:
    assert over_tls(edge.gateway(8443, EDGE), certificate) == "secure"


def test_tls_ends_at_a_listener_of_a_listener_set(edge: RunningMesh, certificate: Path) -> None:
    assert over_tls(edge.gateway(443, EDGE), certificate).startswith("reviews-v")


def test_calls_inside_the_mesh_take_the_route_of_their_service(edge: RunningMesh) -> None:
    taken, other = (
        edge.calls("client.app", f"http://reviews-v1.app{path}", count=8)
        for path in ("/second", "/first")
    )

    assert {each.version for each in taken} == {"v2"}
    assert {each.version for each in other} == {"v1"}


def test_an_ingress_leads_to_its_backends(edge: RunningMesh) -> None:
    url = f"http://{edge.gateway(80, 'ingressgateway.istio-ingress')}"

    def status(path: str) -> int:
        return httpx.get(url + path, headers={"host": "ingress.example"}).status_code

    eventually(lambda: status("/shop/cart"), lambda code: code == 200)
    assert status("/shopping") == 404


def test_an_ingress_tells_the_address_of_its_gateway(edge: RunningMesh) -> None:
    written = edge.statuses()["Ingress", "app", "old"]

    assert written["loadBalancer"]["ingress"][0]["ip"] == "127.0.0.1"
