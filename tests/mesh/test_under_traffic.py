"""Nothing is lost while configuration, certificates and the control plane change."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.mesh.running import Answer, RunningMesh, calls_from_here, eventually, lost
from tests.mesh.test_protocols import gateway
from tests.mesh.test_routing import SUBSETS, virtual_service

pytestmark = [pytest.mark.envoy, pytest.mark.root]

REVIEWS = "http://reviews.app/"
RATE = 200  # requests a second
SECONDS = 3
BETWEEN_SECONDS = 0.2


def traffic(mesh: RunningMesh, seconds: int, meanwhile: Callable[[], None]) -> list[Answer]:
    """Requests at a steady rate, and something that happens meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        requests = pool.submit(
            mesh.calls, "client.app", REVIEWS, rate=RATE, seconds=seconds, concurrency=64
        )
        meanwhile()
        return requests.result()


def editing(mesh: RunningMesh, *texts: str) -> Callable[[], None]:
    """Writes one text after the other into a file, for as long as the traffic lasts."""
    stop = threading.Event()

    def edit() -> None:
        for round_ in range(int(SECONDS / BETWEEN_SECONDS) - 2):
            mesh.apply("changing.yaml", texts[round_ % len(texts)])
            stop.wait(BETWEEN_SECONDS)

    return edit


def to(version: str) -> str:
    return SUBSETS + virtual_service(
        f"  - route: [{{destination: {{host: reviews, subset: {version}}}}}]\n"
    )


def test_editing_routes_loses_no_request(mesh: RunningMesh) -> None:
    mesh.apply("routes.yaml", to("v1"))
    eventually(lambda: mesh.call("client.app", REVIEWS), lambda a: a.version == "v1")
    stop = threading.Event()

    def edit() -> None:
        for round_ in range(24):
            mesh.apply("routes.yaml", to("v2" if round_ % 2 == 0 else "v1"))
            stop.wait(0.25)

    answers = traffic(mesh, 8, edit)

    assert len(answers) == 8 * RATE
    assert not lost(answers)
    assert {answer.version for answer in answers} == {"v1", "v2"}


def subset(name: str, version: str) -> str:
    """One subset, of a name of its own, and the route to it; no other subset exists."""
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: reviews, namespace: app}}
spec:
  host: reviews
  subsets: [{{name: {name}, labels: {{version: {version}}}}}]
---
""" + virtual_service(f"  - route: [{{destination: {{host: reviews, subset: {name}}}}}]\n")


def policy(tls: str, more: str = "") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: reviews, namespace: app}}
spec: {{host: reviews, trafficPolicy: {{{more}tls: {{mode: {tls}}}}}}}
"""


def entry(name: str, port: int, protocol: str) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: app}}
spec:
  hosts: [{name}.example]
  addresses: [240.9.9.9]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{{number: {port}, name: p, protocol: {protocol}}}]
  endpoints: [{{address: 192.0.2.1}}]
---
"""


PEERS = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: reviews, namespace: app}
spec: {selector: {matchLabels: {app: reviews}}, mtls: {mode: %s}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: reviews, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  rules: [{to: [{operation: {paths: ["%s"]}}]}]
"""


def test_subsets_and_their_clusters_come_and_go_and_no_request_is_lost(mesh: RunningMesh) -> None:
    """Each change removes the subset that the route led to, and its cluster."""
    one, other = subset("one", "v1"), subset("other", "v2")
    mesh.apply("changing.yaml", one)
    eventually(lambda: mesh.call("client.app", REVIEWS), lambda a: a.version == "v1")

    answers = traffic(mesh, SECONDS, editing(mesh, other, one))

    assert len(answers) == SECONDS * RATE
    assert not lost(answers)
    assert {answer.version for answer in answers} == {"v1", "v2"}


def test_a_cluster_that_changes_its_tls_loses_no_request(mesh: RunningMesh) -> None:
    """Clusters warm anew: old connections serve until the new cluster is ready."""
    pools = "connectionPool: {http: {maxRequestsPerConnection: 100}}, "

    answers = traffic(
        mesh, SECONDS, editing(mesh, policy("ISTIO_MUTUAL"), policy("DISABLE", pools), "")
    )

    assert len(answers) == SECONDS * RATE
    assert not lost(answers)


def test_listeners_that_come_go_and_change_protocol_lose_no_request(mesh: RunningMesh) -> None:
    """Of the client: a port more, and TCP, HTTP or nothing beside the HTTP on port 80."""
    answers = traffic(
        mesh, SECONDS,
        editing(
            mesh,
            entry("more", 9191, "TCP") + entry("beside", 80, "HTTP"),
            entry("more", 9191, "HTTP") + entry("beside", 80, "TCP"),
            "",
        ),
    )  # fmt: skip

    assert len(answers) == SECONDS * RATE
    assert not lost(answers)


def test_inbound_listeners_whose_policies_change_lose_no_request(mesh: RunningMesh) -> None:
    answers = traffic(
        mesh, SECONDS, editing(mesh, PEERS % ("STRICT", "/"), PEERS % ("PERMISSIVE", "*"), "")
    )

    assert len(answers) == SECONDS * RATE
    assert not lost(answers)


def test_a_gateway_whose_ports_come_and_go_loses_no_request(mesh: RunningMesh) -> None:
    plain = "  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}\n"
    more = "  - {port: {number: 9443, name: more, protocol: TCP}, hosts: ['*']}\n"
    other = "  - {port: {number: 9443, name: more, protocol: HTTP}, hosts: [b.example]}\n"
    mesh.apply("changing.yaml", gateway(plain))
    url, headers = f"http://{mesh.gateway(80)}/", {"host": "shop.example"}
    eventually(
        lambda: httpx.get(url, headers=headers, timeout=5), lambda answer: answer.status_code == 200
    )

    with ThreadPoolExecutor(1) as pool:
        requests = pool.submit(
            calls_from_here, url, headers=headers, rate=RATE, seconds=SECONDS, concurrency=64
        )
        editing(mesh, gateway(plain + more), gateway(plain + other), gateway(plain))()
        answers = requests.result()

    assert len(answers) == SECONDS * RATE
    assert not [answer for answer in answers if answer.error or answer.status != 200]


def test_a_killed_control_plane_loses_no_request(mesh: RunningMesh) -> None:
    before = mesh.record()["control"]["pid"]

    def kill() -> None:
        os.kill(before, signal.SIGKILL)

    answers = traffic(mesh, 8, kill)

    assert len(answers) == 8 * RATE
    assert not lost(answers)
    after = eventually(lambda: mesh.record()["control"]["pid"], lambda pid: pid not in (0, before))
    assert after != before
    mesh.apply("routes.yaml", to("v2"))
    eventually(
        lambda: {a.version for a in mesh.calls("client.app", REVIEWS, count=10)},
        lambda seen: seen == {"v2"},
    )
