"""Istio's egress tasks as its documentation gives them, with their verifications.

The gateway of the shared mesh serves as the egress gateway, and a server on this machine as
edition.cnn.com and the hosts of wikipedia.org.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.certificates import Authority
from tests.mesh.outside import Outside
from tests.mesh.running import RunningMesh, eventually

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.root,
    pytest.mark.parametrize("shared_mesh", ["root"], indirect=True),
]

CLIENT = "client.app"
CNN = "edition.cnn.com"
NOWHERE = "198.51.100.7"  # of TEST-NET-2: nobody answers there
REGISTRY_ONLY = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |-
    outboundTrafficPolicy:
      mode: REGISTRY_ONLY
"""


class Site:
    """The server outside, whose authority only its clients know."""

    def __init__(self, outside: Outside, authority: Path) -> None:
        self.authority, self._outside = authority, outside

    def entry(self, name: str, host: str, *, http_over_tls: bool = False) -> str:
        https = self._outside.https["cnn"]
        http = https if http_over_tls else self._outside.http["cnn"]
        return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: {name}
  namespace: app
spec:
  hosts:
  - {host}
  ports:
  - number: 80
    name: http-port
    protocol: HTTP
    targetPort: {http}
  - number: 443
    name: https-port
    protocol: HTTPS
    targetPort: {https}
  resolution: STATIC
  endpoints:
  - address: {self._outside.address}
---
"""


@pytest.fixture(scope="module")
def site(shared_mesh: RunningMesh, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)  # proxies run as a user of their own
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.certificate)
    held = b"".join(authority.issue(CNN, "*.wikipedia.org"))
    (folder / "server.pem").write_bytes(held)
    with Outside(shared_mesh.host_address, "cnn", certificate=folder / "server.pem") as outside:
        yield Site(outside, folder / "ca.pem")


def came_through(mesh: RunningMesh, source: str) -> bool:
    return source.startswith(mesh.pods("ingressgateway")[0]["address"] + ":")


def gateway(port: str, tls: str = "", host: str = CNN) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: istio-egressgateway
  namespace: app
spec:
  selector:
    istio: ingressgateway
  servers:
  - port: {port}
    hosts:
    - "{host}"
    {tls}
---
"""


def rule(policy: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: egressgateway-for-cnn
  namespace: app
spec:
  host: ingressgateway.istio-ingress.svc.cluster.local
  subsets:
  - name: cnn
    {policy}
---
"""


def http_through_gateway(port: int) -> str:
    """`port` is the one of the outside host that the gateway leads to."""
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: direct-cnn-through-egress-gateway
  namespace: app
spec:
  hosts:
  - {CNN}
  gateways:
  - istio-egressgateway
  - mesh
  http:
  - match:
    - gateways:
      - mesh
      port: 80
    route:
    - destination:
        host: ingressgateway.istio-ingress.svc.cluster.local
        subset: cnn
        port:
          number: 80
      weight: 100
  - match:
    - gateways:
      - istio-egressgateway
      port: 80
    route:
    - destination:
        host: {CNN}
        port:
          number: {port}
      weight: 100
---
"""


def tls_through_gateway(match: str, to: str) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: direct-through-egress-gateway
  namespace: app
spec:
  hosts:
  - "{match}"
  gateways:
  - mesh
  - istio-egressgateway
  tls:
  - match:
    - gateways:
      - mesh
      port: 443
      sniHosts:
      - "{match}"
    route:
    - destination:
        host: ingressgateway.istio-ingress.svc.cluster.local
        subset: cnn
        port:
          number: 443
  - match:
    - gateways:
      - istio-egressgateway
      port: 443
      sniHosts:
      - "{match}"
    route:
    - destination:
        host: {to}
        port:
          number: 443
      weight: 100
---
"""


def originates_tls(port: int, authority: Path) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: originate-tls-for-edition-cnn-com
  namespace: app
spec:
  host: {CNN}
  trafficPolicy:
    portLevelSettings:
    - port:
        number: {port}
      tls:
        mode: SIMPLE # initiates HTTPS for connections to edition.cnn.com
        caCertificates: {authority}
"""


def test_only_registered_hosts_are_reached_and_have_timeouts(mesh: RunningMesh, site: Site) -> None:
    mesh.apply("mesh.yaml", REGISTRY_ONLY)
    mesh.settled(CLIENT, f"http://{NOWHERE}/", lambda each: each.status == 502)
    refused = mesh.call(CLIENT, f"https://{NOWHERE}/", verify=False)
    assert refused.error, "TLS to an unknown host ends at once"

    mesh.apply("cnn.yaml", site.entry("cnn", CNN))

    mesh.settled(CLIENT, f"http://{CNN}/", lambda each: each.status == 200)
    assert mesh.call(CLIENT, f"https://{CNN}/", verify=str(site.authority)).status == 200
    mesh.apply(
        "timeout.yaml",
        f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: httpbin-ext
  namespace: app
spec:
  hosts:
  - {CNN}
  http:
  - timeout: 0.3s
    route:
    - destination:
        host: {CNN}
      weight: 100
""",
    )
    mesh.settled(CLIENT, f"http://{CNN}/delay?ms=3000", lambda each: each.status == 504)


def test_the_proxy_begins_tls_and_verifies_with_the_authority_of_a_file(
    mesh: RunningMesh, site: Site
) -> None:
    mesh.apply("cnn.yaml", site.entry("cnn", CNN, http_over_tls=True))
    mesh.apply("rule.yaml", originates_tls(80, site.authority))

    answers = mesh.settled(CLIENT, f"http://{CNN}/", lambda each: each.status == 200)

    assert {each.seen["tls"]["sni"] for each in answers} == {CNN}


def test_http_leaves_through_the_egress_gateway(mesh: RunningMesh, site: Site) -> None:
    mesh.apply("cnn.yaml", site.entry("cnn", CNN))
    port = "{number: 80, name: http, protocol: HTTP}"
    mesh.apply("egress.yaml", gateway(port) + rule() + http_through_gateway(80))

    mesh.settled(
        CLIENT,
        f"http://{CNN}/politics",
        lambda each: each.status == 200 and came_through(mesh, each.seen["source"]),
    )


def test_tls_passes_through_the_egress_gateway_as_it_is(mesh: RunningMesh, site: Site) -> None:
    mesh.apply("cnn.yaml", site.entry("cnn", CNN))
    port = "{number: 443, name: tls, protocol: TLS}"
    mesh.apply(
        "egress.yaml",
        gateway(port, "tls: {mode: PASSTHROUGH}") + rule() + tls_through_gateway(CNN, CNN),
    )

    mesh.settled(
        CLIENT,
        f"https://{CNN}/politics",
        lambda each: each.status == 200 and came_through(mesh, each.seen["source"]),
        verify=str(site.authority),
    )


def test_the_egress_gateway_begins_tls_for_requests_that_come_by_mutual_tls(
    mesh: RunningMesh, site: Site
) -> None:
    port = "{number: 80, name: https-port-for-tls-origination, protocol: HTTPS}"
    to_gateway = f"""
    trafficPolicy:
      loadBalancer:
        simple: ROUND_ROBIN
      portLevelSettings:
      - port:
          number: 80
        tls:
          mode: ISTIO_MUTUAL
          sni: {CNN}"""
    mesh.apply("cnn.yaml", site.entry("cnn", CNN))
    mesh.apply(
        "egress.yaml",
        gateway(port, "tls: {mode: ISTIO_MUTUAL}")
        + rule(to_gateway.strip())
        + http_through_gateway(443)
        + originates_tls(443, site.authority),
    )

    answers = mesh.settled(
        CLIENT,
        f"http://{CNN}/politics",
        lambda each: each.status == 200 and came_through(mesh, each.seen["source"]),
    )

    assert {each.seen["tls"]["sni"] for each in answers} == {CNN}


ASKS = """
import json, socket, ssl, sys
host, name, roots = sys.argv[1:]
context = ssl.create_default_context(cafile=roots)
try:
    with socket.create_connection((host, 443), timeout=5) as raw, \\
            context.wrap_socket(raw, server_hostname=name) as tls:
        tls.sendall(f"GET / HTTP/1.1\\r\\nhost: {name}\\r\\nconnection: close\\r\\n\\r\\n".encode())
        answer = b"".join(iter(lambda: tls.recv(65536), b""))
        print(answer.partition(b"\\r\\n\\r\\n")[2].decode())
except OSError as trouble:
    print(json.dumps({"refused": str(trouble)}))
"""


def test_wildcard_hosts_leave_through_the_egress_gateway(mesh: RunningMesh, site: Site) -> None:
    """All hosts are served by one, as in the task; the client dials whatever address it has."""
    mesh.apply("mesh.yaml", REGISTRY_ONLY)
    port = "{number: 443, name: https, protocol: HTTPS}"
    mesh.apply(
        "egress.yaml",
        site.entry("www", "www.wikipedia.org")
        + """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: wikipedia
  namespace: app
spec:
  hosts:
  - "*.wikipedia.org"
  ports:
  - number: 443
    name: https
    protocol: HTTPS
---
"""
        + gateway(port, "tls: {mode: PASSTHROUGH}", "*.wikipedia.org")
        + rule()
        + tls_through_gateway("*.wikipedia.org", "www.wikipedia.org"),
    )

    def source(name: str) -> str:
        words = (NOWHERE, name, str(site.authority))
        shown = mesh.lateen(
            "exec", "--name", mesh.name, CLIENT, "--", sys.executable, "-c", ASKS, *words
        ).stdout
        return str(json.loads(shown).get("source", shown))

    eventually(lambda: source("de.wikipedia.org"), lambda found: came_through(mesh, found))
    assert "refused" in source("de.example.org")
