"""Ways into workloads: TLS of gateways, other networks, Sidecars, entries of the registry."""

import base64
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.certificates import self_signed
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

CLIENT = "spiffe://cluster.local/ns/app/sa/client"
HOST = "shop.example"


def istio(kind: str, name: str, spec: str, *, namespace: str = "app") -> str:
    lines = "\n".join(f"  {line}" for line in spec.strip().splitlines())
    return f"""---
apiVersion: networking.istio.io/v1
kind: {kind}
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{lines}
"""


def status(mesh: RunningMesh) -> str:
    """Of the mesh, also while a pod ends."""
    return mesh.lateen("status", "--name", mesh.name, check=False).stdout


def config_map(**fields: str) -> str:
    return f"""---
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data: {json.dumps(fields)}
"""


# -- TLS of gateways ---------------------------------------------------------------------------


def secret(**fields: bytes) -> str:
    named = {
        name.replace("_", "."): base64.b64encode(text).decode() for name, text in fields.items()
    }
    return f"""---
apiVersion: v1
kind: Secret
metadata: {{name: shop, namespace: istio-ingress}}
data: {json.dumps(named)}
"""


def https(mode: str) -> str:
    servers = f"""
selector: {{istio: ingressgateway}}
servers:
- port: {{number: 443, name: https, protocol: HTTPS}}
  hosts: [{HOST}]
  tls: {{mode: {mode}, credentialName: shop}}
"""
    routes = f"""
hosts: [{HOST}]
gateways: [istio-ingress/front]
http: [{{route: [{{destination: {{host: reviews, port: {{number: 80}}}}}}]}}]
"""
    return istio("Gateway", "front", servers, namespace="istio-ingress") + istio(
        "VirtualService", "front", routes
    )


class Visitor:
    """Asks the gateway over TLS, with a certificate of its own or without."""

    def __init__(self, mesh: RunningMesh, folder: Path) -> None:
        self.folder, self._gateway = folder, mesh.gateway(443)
        self.certificate, self.key = self_signed(HOST)
        (folder / "certificate.pem").write_bytes(self.certificate)
        (folder / "key.pem").write_bytes(self.key)

    def ask(self, *, shows_certificate: bool) -> str:
        """The status line, or why there is none."""
        context = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        if shows_certificate:
            context.load_cert_chain(self.folder / "certificate.pem", self.folder / "key.pem")
        host, _, port = self._gateway.partition(":")
        try:
            with (
                socket.create_connection((host, int(port)), timeout=5) as raw,
                context.wrap_socket(raw, server_hostname=HOST) as tls,
            ):
                tls.sendall(f"GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
                return tls.recv(4096).partition(b"\r\n")[0].decode()
        except OSError as trouble:
            return f"refused: {trouble}"


@pytest.fixture
def visitor(mesh: RunningMesh, tmp_path: Path) -> Visitor:
    return Visitor(mesh, tmp_path)


def test_optional_mutual_tls_takes_clients_with_and_without_a_certificate(
    mesh: RunningMesh, visitor: Visitor
) -> None:
    held = {"tls_crt": visitor.certificate, "tls_key": visitor.key}
    mesh.apply("secret.yaml", secret(**held))
    mesh.apply("front.yaml", https("OPTIONAL_MUTUAL"))
    assert eventually(
        lambda: visitor.ask(shows_certificate=False), lambda line: line.endswith("200 OK")
    ), "a credential without roots"

    mesh.apply("secret.yaml", secret(ca_crt=visitor.certificate, **held))

    for shows_certificate in (True, False):
        assert eventually(
            lambda shows=shows_certificate: visitor.ask(shows_certificate=shows),
            lambda line: line.endswith("200 OK"),
        )


def test_mutual_tls_refuses_clients_without_a_certificate(
    mesh: RunningMesh, visitor: Visitor
) -> None:
    held = {"tls_crt": visitor.certificate, "tls_key": visitor.key, "ca_crt": visitor.certificate}
    mesh.apply("secret.yaml", secret(**held))
    mesh.apply("front.yaml", https("MUTUAL"))

    assert eventually(
        lambda: visitor.ask(shows_certificate=True), lambda line: line.endswith("200 OK")
    )
    assert "200" not in visitor.ask(shows_certificate=False)


ENDS_TLS_ITSELF = """
import http.server, ssl, sys
server = http.server.HTTPServer((sys.argv[1], 8443), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_a_gateway_passes_tls_through_to_who_ends_it(mesh: RunningMesh, visitor: Visitor) -> None:
    """The visitor trusts the workload's certificate alone, which no gateway has."""
    folder = visitor.folder
    folder.chmod(0o755)
    (folder / "server.py").write_text(ENDS_TLS_ITSELF)
    words = [sys.executable, folder / "server.py", "$(POD_IP)"]
    words += [folder / "certificate.pem", folder / "key.pem"]
    command = json.dumps([str(word) for word in words])
    workload = f"""
apiVersion: v1
kind: Service
metadata: {{name: vault, namespace: app}}
spec: {{selector: {{app: vault}}, ports: [{{name: tls, port: 443, targetPort: 8443}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: vault, namespace: app, labels: {{app: vault}}}}
spec:
  containers:
  - name: vault
    image: example/vault
    command: {command}
    env: [{{name: POD_IP, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}]
"""
    servers = f"""
selector: {{istio: ingressgateway}}
servers:
- port: {{number: 443, name: tls, protocol: TLS}}
  hosts: [{HOST}]
  tls: {{mode: PASSTHROUGH}}
"""
    routes = f"""
hosts: [{HOST}]
gateways: [istio-ingress/front]
tls:
- match: [{{port: 443, sniHosts: [{HOST}]}}]
  route: [{{destination: {{host: vault, port: {{number: 443}}}}}}]
"""
    front = istio("Gateway", "front", servers, namespace="istio-ingress")
    mesh.apply("vault.yaml", workload + front + istio("VirtualService", "front", routes))
    try:
        assert eventually(
            lambda: visitor.ask(shows_certificate=False), lambda line: line.endswith("200 OK")
        )
    finally:
        mesh.remove("vault.yaml")
        eventually(lambda: status(mesh), lambda shown: "vault" not in shown)


# -- networks ----------------------------------------------------------------------------------


def test_another_network_is_reached_through_its_gateway_with_the_callers_identity(
    mesh: RunningMesh,
) -> None:
    """The gateway passes TLS on by its server name: what the service sees is the caller."""
    ours = mesh.pods("client")[0]["address"]
    theirs = [pod["address"] for pod in mesh.pods() if pod["workload"].startswith("reviews-v")]
    gateway = mesh.pods("ingressgateway")[0]["address"]
    ranges = "".join(f"\n    - fromCidr: {address}/32" for address in theirs)
    networks = f"""
networks:
  one: {{endpoints: [{{fromCidr: {ours}/32}}]}}
  two:
    endpoints: {ranges}
    gateways: [{{address: {gateway}, port: 15443}}]
"""
    servers = """
selector: {istio: ingressgateway}
servers:
- port: {number: 15443, name: tls, protocol: TLS}
  hosts: ["*.cluster.local"]
  tls: {mode: AUTO_PASSTHROUGH}
"""
    mesh.apply("networks.yaml", config_map(meshNetworks=networks))
    mesh.apply("eastwest.yaml", istio("Gateway", "eastwest", servers, namespace="istio-ingress"))

    def way() -> str:
        """Where the client's proxy sends what is for reviews."""
        words = ("proxy-config", "endpoints", "client.app", "--mesh", mesh.name)
        return mesh.lateen(*words, "--cluster", "outbound|80||reviews.app.svc.cluster.local").stdout

    eventually(way, lambda shown: f"{gateway}:15443" in shown and theirs[0] not in shown)
    answers = mesh.settled("client.app", "http://reviews.app/", lambda each: each.status == 200)
    assert {answer.seen["caller"] for answer in answers} == {CLIENT}


# -- Sidecars ----------------------------------------------------------------------------------

ON_A_SOCKET = """
import http.server, os, socketserver, sys
class Server(socketserver.UnixStreamServer):
    def get_request(self):
        return super().get_request()[0], ("unix", 0)
if os.path.exists(sys.argv[1]): os.unlink(sys.argv[1])
http.server.SimpleHTTPRequestHandler.address_string = lambda self: "unix"
with Server(sys.argv[1], http.server.SimpleHTTPRequestHandler) as server:
    os.chmod(sys.argv[1], 0o666)
    server.serve_forever()
"""


def test_a_sidecar_leads_to_a_unix_socket(mesh: RunningMesh, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    program, place = tmp_path / "server.py", f"/tmp/lateen-{mesh.name}.sock"
    program.write_text(ON_A_SOCKET)
    command = json.dumps([sys.executable, str(program), place])
    mesh.apply(
        "socket.yaml",
        f"""
apiVersion: v1
kind: Service
metadata: {{name: quiet, namespace: app}}
spec: {{selector: {{app: quiet}}, ports: [{{name: http, port: 80, targetPort: 9080}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: quiet, namespace: app, labels: {{app: quiet}}}}
spec:
  containers: [{{name: quiet, image: example/quiet, command: {command}}}]
"""
        + istio(
            "Sidecar",
            "quiet",
            f"""
workloadSelector: {{labels: {{app: quiet}}}}
ingress:
- port: {{number: 9080, protocol: HTTP, name: http}}
  defaultEndpoint: unix://{place}
""",
        ),
    )
    try:
        answer = eventually(
            lambda: mesh.call("client.app", "http://quiet.app/"), lambda each: each.status == 200
        )
    finally:
        mesh.remove("socket.yaml")
        eventually(lambda: status(mesh), lambda shown: "quiet" not in shown)
        Path(place).unlink(missing_ok=True)

    assert "Directory listing" in answer.body


# -- entries of the registry -------------------------------------------------------------------


@pytest.fixture
def outside(mesh: RunningMesh) -> Iterator[int]:
    """The port of a server beside the mesh."""
    address = mesh.host_address
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "lateen", "echo", f"--http={port}", f"--bind={address}"],
        env={"WORKLOAD": "outside", "PATH": ""},
    )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(10)


def test_a_workload_entry_serves_what_selects_it(mesh: RunningMesh, outside: int) -> None:
    entry = f"address: {mesh.host_address}\nports: {{http: {outside}}}\nlabels: {{app: legacy-vm}}"
    service = """
hosts: [vm.example]
location: MESH_EXTERNAL
resolution: STATIC
ports: [{number: 80, name: http, protocol: HTTP}]
workloadSelector: {labels: {app: legacy-vm}}
"""
    mesh.apply(
        "vm.yaml", istio("WorkloadEntry", "vm", entry) + istio("ServiceEntry", "vm", service)
    )

    answer = eventually(
        lambda: mesh.call("client.app", "http://vm.example/"), lambda each: each.status == 200
    )

    assert answer.seen["workload"] == "outside"


def test_names_of_endpoints_are_looked_up_by_the_proxy(mesh: RunningMesh, outside: int) -> None:
    """Where pods have a resolver of their own, also names that only the mesh knows."""
    captures = mesh.mode != "explicit"
    name, port = ("reviews.app.svc.cluster.local", 80) if captures else ("localhost", outside)
    service = f"""
hosts: [named.example]
location: MESH_EXTERNAL
resolution: DNS
ports: [{{number: 80, name: http, protocol: HTTP, targetPort: {port}}}]
endpoints: [{{address: {name}}}]
"""
    mesh.apply("named.yaml", istio("ServiceEntry", "named", service))

    answer = eventually(
        lambda: mesh.call("client.app", "http://named.example/"), lambda each: each.status == 200
    )

    assert answer.seen["workload"].startswith("reviews" if captures else "outside")


def test_a_workload_that_registers_itself_takes_traffic_while_it_is_well(
    mesh: RunningMesh, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    sick = tmp_path / "sick"
    check = json.dumps(
        [sys.executable, "-c", f"import os, sys; sys.exit(os.path.exists('{sick}'))"]
    )
    group = """
metadata: {labels: {role: registered}}
template: {serviceAccount: default, ports: {http: 8080}}
"""
    service = """
hosts: [volunteer.example]
location: MESH_INTERNAL
resolution: STATIC
ports: [{number: 80, name: http, protocol: HTTP}]
workloadSelector: {labels: {role: registered}}
"""
    pod = f"""
apiVersion: v1
kind: Pod
metadata:
  name: volunteer
  namespace: app
  labels: {{app: volunteer}}
  annotations:
    proxy.istio.io/config: |
      proxyMetadata: {{ISTIO_META_AUTO_REGISTER_GROUP: volunteers}}
      readinessProbe: {{exec: {{command: {check}}}, periodSeconds: 1, timeoutSeconds: 10}}
spec:
  containers:
  - name: main
    image: example/volunteer
    command: [lateen, echo]
    args: ["--http=8080"]
    env: [{{name: WORKLOAD, value: volunteer}}, {{name: VERSION, value: v1}}]
"""
    registry = istio("WorkloadGroup", "volunteers", group)
    mesh.apply("volunteer.yaml", pod + registry + istio("ServiceEntry", "volunteer", service))
    try:
        answers = mesh.settled(
            "client.app", "http://volunteer.example/", lambda each: each.status == 200
        )
        assert {answer.seen["caller"] for answer in answers} == {CLIENT}

        sick.touch()
        mesh.settled("client.app", "http://volunteer.example/", lambda each: each.status == 503)
        sick.unlink()
        mesh.settled("client.app", "http://volunteer.example/", lambda each: each.status == 200)
    finally:
        mesh.remove("volunteer.yaml")
        eventually(lambda: status(mesh), lambda shown: "volunteer" not in shown)
