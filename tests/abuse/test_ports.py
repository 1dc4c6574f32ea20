"""Ports of the proxy and of the control plane that are nobody else's business."""

import json
import socket

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target

pytestmark = [pytest.mark.envoy, pytest.mark.root]

ADMIN = (15000, 15001, 15004, 15006, 15010, 15014, 15053)


def pod_url(target: Target, port: int, path: str) -> str:
    return f"http://{target.pod}:{port}{path}"


@pytest.mark.parametrize("port", ADMIN)
def test_a_pods_inner_ports_answer_nobody(target: Target, port: int) -> None:
    for path in ("/config_dump", "/debug/config_dump", "/certs", "/quitquitquit"):
        reply = wire.plain(target.pod, wire.get(path), port=port)
        assert reply.status == 0 or reply.status >= 400, path
        assert b"configs" not in reply.content


@pytest.mark.parametrize("path", ["/quitquitquit", "/drain"])
def test_nobody_stops_another_workloads_agent(target: Target, path: str) -> None:
    reply = wire.plain(target.pod, wire.get(path).replace(b"GET", b"POST", 1), port=15020)
    assert reply.status in (0, 403, 404, 405)
    assert target.mesh.call("client.app", "http://reviews.app/a").status == 200


@pytest.mark.parametrize(
    "path",
    ["/app-health/../quitquitquit", "/stats/prometheus/../../config_dump", "/debug/pprof/",
     "/healthz/ready/../../etc/passwd"],
)  # fmt: skip
def test_the_agents_pages_lead_nowhere_else(target: Target, path: str) -> None:
    reply = wire.plain(target.pod, wire.get(path), port=15020)
    assert reply.status in (0, 400, 403, 404)


def test_the_control_plane_shows_pods_nothing_without_proof(target: Target) -> None:
    """From inside a pod without a proxy: the port of discovery is there, its pages are not."""
    script = (
        "import socket, sys\n"
        "for port in (15014, 15010, 8080, 9876):\n"
        "    try:\n"
        "        socket.create_connection((sys.argv[1], port), timeout=2).close()\n"
        "        print(port)\n"
        "    except OSError:\n"
        "        pass\n"
    )
    gateway = target.pod.rsplit(".", 1)[0] + ".1"  # the first address of the mesh's own network
    done = target.mesh.lateen(
        "exec", "--name", target.mesh.name, "legacy.app", "--", "python3", "-c", script, gateway
    )
    assert done.stdout.split() == []


def test_a_gateway_serves_only_the_ports_of_its_gateways(target: Target) -> None:
    (gateway,) = target.mesh.pods("ingressgateway")
    for port in (15000, 15001, 15006, 8443, 9000):
        with pytest.raises(OSError):
            socket.create_connection((gateway["address"], port), timeout=2).close()


def test_a_request_through_the_gateway_does_not_reach_its_own_admin_port(target: Target) -> None:
    for host in ("localhost:15000", "127.0.0.1:15000", "[::1]:15000"):
        reply = wire.plain(target.gateway, wire.get("/config_dump", host))
        assert b'"configs"' not in reply.content
        assert reply.status != 200 or json.loads(reply.content.split(b"\r\n\r\n", 1)[1])
