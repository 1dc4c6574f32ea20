"""What is offered in ALPN, as the real Envoy computes it for each kind of cluster."""

import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import pytest

from lateen.envoy import messages, schema, types
from lateen.translate import alpn
from lateen.translate.clusters import build
from lateen.translate.filters.http import Direction, http_filters
from lateen.translate.routes.http import default_route
from lateen.view.mesh import Mesh
from lateen.view.scope import outbound_scope
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

START_SECONDS = 20
HTTP1 = ["istio-http/1.1", "istio", "http/1.1"]
HTTP2 = ["istio-h2", "istio", "h2"]
KINDS = {"h1": "http", "h2": "grpc", "raw": "sniffed", "own": "sniffed", "client": "http"}
RULES = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: own, namespace: shop}
spec: {host: own, trafficPolicy: {tls: {mode: SIMPLE, sni: example.com}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: client, namespace: shop}
spec: {host: client, trafficPolicy: {connectionPool: {http: {useClientProtocol: true}}}}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A proxy that answers `/NAME` with what it would offer to the cluster of that service."""
    folder = tmp_path_factory.mktemp("alpn")
    number = _free_port()
    Path(folder, "envoy.json").write_text(json.dumps(messages.to_json(_bootstrap(number))))
    process = subprocess.Popen(
        [
            schema.binary(), "--config-path", str(folder / "envoy.json"), "--disable-hot-restart",
            "--concurrency", "1", "--log-level", "error",
        ]
    )  # fmt: skip
    try:
        _await_port(number)
        yield number
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _bootstrap(number: int) -> Any:
    made = types.Bootstrap()
    listener = made.static_resources.listeners.add(name="offers")
    listener.address.socket_address.address = "127.0.0.1"
    listener.address.socket_address.port_value = number
    chain = listener.filter_chains.add().filters.add(name="http")
    chain.typed_config.CopyFrom(messages.pack(_manager()))
    made.static_resources.clusters.extend(_clusters())
    return made


def _mesh() -> Mesh:
    services = [
        http_service(name, address=f"10.0.0.{index}", protocol=protocol)
        for index, (name, protocol) in enumerate(KINDS.items(), start=1)
    ]
    return mesh_of(*services, RULES)


def _clusters() -> list[Any]:
    """Empty clusters with the metadata of those that Lateen makes."""
    mesh = _mesh()
    made = []
    for name in KINDS:
        whole = types.Cluster.FromString(build.cluster(mesh, CLIENT, cluster_name(name)))
        cluster = types.Cluster(name=whole.name, type="STATIC")
        cluster.metadata.CopyFrom(whole.metadata)
        made.append(cluster)
    return made


def cluster_name(service: str) -> str:
    return f"outbound|80||{service}.shop.svc.cluster.local"


def _manager() -> Any:
    """The routes and the filter that Lateen makes, but for what the filter writes.

    Envoy does not show the state that Lateen sets, so the same text goes to one that it does.
    """
    mesh = _mesh()
    scope = outbound_scope(mesh, CLIENT)
    made = types.HttpConnectionManager(stat_prefix="offers", codec_type="AUTO")
    host = made.route_config.virtual_hosts.add(name="all", domains=["*"])
    for name in KINDS:
        route = default_route(mesh, scope, f"{name}.shop.svc.cluster.local", 80)
        route.match.prefix = f"/{name}"
        host.routes.append(route)
    header = made.route_config.response_headers_to_add.add()
    header.header.key = "offer"
    header.header.value = "%FILTER_STATE(offer:PLAIN)%"
    state = types.HttpSetFilterState()
    value = state.on_request_headers.add(object_key="offer", factory_key="envoy.string")
    value.skip_if_empty = True
    value.format_string.omit_empty_values = True
    value.format_string.text_format_source.inline_string = alpn.OFFER
    for each in http_filters(Direction.OUTBOUND):
        if each.name == alpn.FILTER:
            each.typed_config.CopyFrom(messages.pack(state))
            made.http_filters.append(each)
    made.http_filters.add(name="router").typed_config.CopyFrom(messages.pack(types.Router()))
    return made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(number: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", number), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "Envoy does not listen"


def offer_to_http1_client(port: int, name: str) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    connection.request("GET", f"/{name}")
    offer = connection.getresponse().getheader("offer")
    connection.close()
    return offer.split(",") if offer else []


def offer_to_http2_client(port: int, name: str) -> list[str]:
    """Prior knowledge, one request."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    headers = [(":method", "GET"), (":path", f"/{name}"), (":scheme", "http"), (":authority", "a")]
    client.send_headers(1, headers, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), START_SECONDS) as connection:
        connection.sendall(client.data_to_send())
        while True:
            for event in client.receive_data(connection.recv(65535)):
                if isinstance(event, h2.events.ResponseReceived):
                    offer = dict(event.headers).get("offer", "")
                    return offer.split(",") if offer else []


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("name", "to_http1", "to_http2"),
    [
        ("raw", HTTP1, HTTP2),
        ("client", HTTP1, HTTP2),
        ("own", [], []),
        ("h1", [], []),
        ("h2", [], []),
    ],
)
def test_request_offers_only_what_its_cluster_cannot(
    port: int, name: str, to_http1: list[str], to_http2: list[str]
) -> None:
    assert offer_to_http1_client(port, name) == to_http1
    assert offer_to_http2_client(port, name) == to_http2
