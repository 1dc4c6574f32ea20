"""Istio's traffic management tasks as its documentation gives them, with their verifications.

What `test_routing` shows already (matches, weights, faults, timeouts) is not repeated here.
"""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.mesh.outside import Outside
from tests.mesh.running import RunningMesh, calls_from_here, eventually

pytestmark = [
    pytest.mark.envoy,
    pytest.mark.root,
    pytest.mark.parametrize("shared_mesh", ["root"], indirect=True),
]

CLIENT = "client.app"
REVIEWS = "http://reviews.app/"
SUBSETS = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
  namespace: app
spec:
  host: reviews
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
---
"""


def test_tcp_traffic_is_shifted_by_weight(mesh: RunningMesh) -> None:
    mesh.apply(
        "tcp-echo.yaml",
        SUBSETS
        + """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: tcp-echo-gateway
  namespace: istio-ingress
spec:
  selector:
    istio: ingressgateway
  servers:
  - port:
      number: 31400
      name: tcp
      protocol: TCP
    hosts:
    - "*"
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: tcp-echo
  namespace: app
spec:
  hosts:
  - "*"
  gateways:
  - istio-ingress/tcp-echo-gateway
  tcp:
  - match:
    - port: 31400
    route:
    - destination:
        host: reviews
        port:
          number: 9001
        subset: v1
      weight: 80
    - destination:
        host: reviews
        port:
          number: 9001
        subset: v2
      weight: 20
""",
    )
    url = f"tcp://{mesh.pods('ingressgateway')[0]['address']}:31400"
    eventually(lambda: calls_from_here(url, body="hello")[0], lambda each: not each.error)

    answers = calls_from_here(url, count=300, body="hello")

    second = sum(each.body.startswith("reviews-v2") for each in answers)
    assert sum(each.body.startswith("reviews-v1") for each in answers) + second == 300
    assert (second - 60) ** 2 / 60 + (second - 60) ** 2 / 240 < 10.83, second  # p = 0.001


def requests_to(mesh: RunningMesh, service: str) -> int:
    """Of the client's proxy, as Envoy counted them by endpoint."""
    socket = mesh.pods("client")[0]["admin"]
    ask = ["curl", "--silent", "--fail", "--unix-socket", socket, "http://proxy/clusters"]
    shown = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=10).stdout
    counts = [line for line in shown.splitlines() if service in line and "::rq_total::" in line]
    return sum(int(line.rpartition("::")[2]) for line in counts)


@pytest.mark.parametrize(("percentage", "least", "most"), [(100, 100, 100), (50, 30, 70)])
def test_a_share_of_the_traffic_is_mirrored(
    mesh: RunningMesh, percentage: int, least: int, most: int
) -> None:
    mesh.apply(
        "mirror.yaml",
        f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: app
spec:
  hosts:
  - reviews
  http:
  - route:
    - destination:
        host: reviews
      weight: 100
    mirror:
      host: flaky
    mirrorPercentage:
      value: {percentage}.0
    headers: {{response: {{set: {{x-mirrored: "{percentage}"}}}}}}
""",
    )
    mesh.settled(CLIENT, REVIEWS, lambda each: each.headers.get("x-mirrored") == str(percentage))
    before = requests_to(mesh, "flaky.app")

    answers = mesh.calls(CLIENT, REVIEWS, count=100)

    assert {each.status for each in answers} == {200}, "the mirror's failures are nobody's"
    copies = eventually(
        lambda: requests_to(mesh, "flaky.app") - before, lambda found: found >= least
    )
    assert copies <= most


def test_delegates_route_and_change_headers_for_their_root(mesh: RunningMesh) -> None:
    mesh.apply(
        "bookinfo.yaml",
        SUBSETS
        + """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: bookinfo, namespace: istio-ingress}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: [bookinfo.com]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bookinfo
  namespace: app
spec:
  hosts:
  - "bookinfo.com"
  gateways:
  - istio-ingress/bookinfo
  http:
  - match:
    - uri:
        prefix: "/productpage"
    delegate:
      name: productpage
      namespace: app
  - match:
    - uri:
        prefix: "/reviews"
    delegate:
      name: reviews
      namespace: app
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: productpage
  namespace: app
spec:
  http:
  - match:
    - uri:
        prefix: "/productpage/v1/"
    route:
    - destination: {host: reviews, subset: v1, port: {number: 80}}
  - route:
    - destination: {host: reviews, subset: v2, port: {number: 80}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: app
spec:
  http:
  - route:
    - destination: {host: reviews, subset: v2, port: {number: 80}}
    headers:
      request: {set: {x-set: a}, remove: [x-gone]}
      response: {add: {x-added: c}, remove: [content-type]}
""",
    )
    gateway = f"http://{mesh.gateway(80)}"
    headers = {"host": "bookinfo.com", "x-set": "other", "x-gone": "here"}

    def version(path: str) -> str:
        return calls_from_here(gateway + path, headers=headers)[0].version

    eventually(lambda: version("/productpage/v1/x"), lambda found: found == "v1")
    assert version("/productpage/x") == "v2"
    answer = calls_from_here(f"{gateway}/reviews", headers=headers)[0]
    assert answer.seen["headers"]["x-set"] == "a"
    assert "x-gone" not in answer.seen["headers"]
    assert answer.headers["x-added"] == "c"
    assert "content-type" not in answer.headers
    assert calls_from_here(f"{gateway}/other", headers=headers)[0].status == 404
    shown = mesh.lateen(
        "proxy-config", "route", "ingressgateway.istio-ingress", "--mesh", mesh.name, "-o", "json"
    ).stdout
    rows = [row for row in json.loads(shown) if row.get("name") == "http.8080"]
    assert rows, shown


@pytest.fixture
def outside(mesh: RunningMesh) -> Iterator[Outside]:
    with Outside(mesh.host_address, "near", "far") as servers:
        yield servers


def test_traffic_fails_over_by_labels_when_endpoints_fail(
    mesh: RunningMesh, outside: Outside
) -> None:
    """The client is `version: v1`, as is the endpoint that comes first."""
    mesh.apply(
        "helloworld.yaml",
        f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: helloworld, namespace: app}}
spec:
  hosts: [helloworld.sample]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  endpoints:
  - address: {outside.address}
    ports: {{http: {outside.http["near"]}}}
    labels: {{version: v1}}
  - address: {outside.address}
    ports: {{http: {outside.http["far"]}}}
    labels: {{version: v2}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: helloworld
  namespace: app
spec:
  host: helloworld.sample
  trafficPolicy:
    connectionPool:
      http:
        maxRequestsPerConnection: 1
    loadBalancer:
      simple: ROUND_ROBIN
      localityLbSetting:
        enabled: true
        failoverPriority:
        - version
    outlierDetection:
      consecutive5xxErrors: 1
      interval: 1s
      baseEjectionTime: 1m
      maxEjectionPercent: 100
""",
    )
    url = "http://helloworld.sample/"
    mesh.settled(CLIENT, url, lambda each: each.status == 200 and each.seen["workload"] == "near")

    outside.stop("near")

    mesh.settled(CLIENT, url, lambda each: each.status == 200 and each.seen["workload"] == "far")


def test_a_sidecar_restricts_what_its_namespace_reaches(mesh: RunningMesh) -> None:
    mesh.apply(
        "sidecar.yaml",
        """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: default
  namespace: app
spec:
  outboundTrafficPolicy:
    mode: REGISTRY_ONLY
  egress:
  - hosts:
    - "app/reviews.app.svc.cluster.local"
    - "istio-system/*"
""",
    )

    mesh.settled(CLIENT, "http://flaky.app/", lambda each: each.status == 502)
    mesh.settled(CLIENT, REVIEWS, lambda each: each.status == 200)
    shown = mesh.lateen("proxy-config", "cluster", CLIENT, "--mesh", mesh.name).stdout
    assert "reviews.app.svc.cluster.local" in shown
    assert "flaky.app.svc.cluster.local" not in shown
