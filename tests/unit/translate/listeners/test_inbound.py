"""What a workload's proxy listens on for others."""

from dataclasses import replace
from typing import Any

import pytest

from lateen.envoy import messages, types
from lateen.translate.listeners import inbound
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import apply, mesh_of

WORKLOAD = ProxyClass(
    namespace="shop",
    labels=(("app", "web"),),
    addresses=("10.1.0.7",),
    dns_domain="shop.svc.cluster.local",
)
UNCAPTURED = replace(WORKLOAD, interception=Interception.NONE)
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.0.0.1
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: grpc, port: 81, targetPort: 8081}
  - {name: tcp, port: 82, targetPort: 8082}
  - {name: unnamed, port: 83, targetPort: 8083}
"""
SIDECAR = """
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: web, namespace: shop}
spec:
  workloadSelector: {labels: {app: web}}
  ingress:
  - port: {number: 9000, protocol: HTTP, name: http}
    defaultEndpoint: 127.0.0.1:8080
  - port: {number: 9443, protocol: HTTPS, name: https}
    bind: 0.0.0.0
    captureMode: NONE
    defaultEndpoint: 127.0.0.1:8443
    tls: {mode: MUTUAL, serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem}
"""


def peers(mode: str, *, namespace: str = "shop", more: str = "") -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: {namespace}}}
spec: {{mtls: {{mode: {mode}}}{more}}}
"""


def shown(mesh: Mesh, proxy: ProxyClass = WORKLOAD, name: str = "virtualInbound") -> dict[str, Any]:
    made = inbound.listener(mesh, proxy, name)
    assert made is not None, inbound.listener_names(mesh, proxy)
    return messages.to_json(types.Listener.FromString(made))


def kinds(listener: dict[str, Any], port: int | None) -> list[tuple[str, int, str, bool]]:
    """Transport, number of ALPNs, kind of filter and whether TLS ends, of the chains of a port."""
    found = []
    for chain in listener["filter_chains"]:
        match = chain.get("filter_chain_match", {})
        if match.get("destination_port") == port and chain["name"] != "virtualInbound-blackhole":
            alpn = match.get("application_protocols", [])
            last = chain["filters"][-1]["name"].rpartition(".")[2]
            kind = "http" if last == "http_connection_manager" else "tcp"
            found.append(
                (match["transport_protocol"], len(alpn), kind, "transport_socket" in chain)
            )
    return found


PERMISSIVE_HTTP = [("tls", 5, "http", True), ("raw_buffer", 0, "http", False)]
PERMISSIVE_TCP = [
    ("tls", 5, "tcp", True),
    ("tls", 0, "tcp", False),
    ("raw_buffer", 0, "tcp", False),
]
PERMISSIVE_ANY = [
    ("tls", 3, "http", True),
    ("raw_buffer", 2, "http", False),
    ("tls", 2, "tcp", True),
    ("raw_buffer", 0, "tcp", False),
    ("tls", 0, "tcp", False),
]
STRICT_ANY = [("tls", 3, "http", True), ("tls", 0, "tcp", True)]


@pytest.mark.parametrize(
    ("mode", "http", "tcp", "sniffed"),
    [
        ("PERMISSIVE", PERMISSIVE_HTTP, PERMISSIVE_TCP, PERMISSIVE_ANY),
        ("STRICT", [("tls", 0, "http", True)], [("tls", 0, "tcp", True)], STRICT_ANY),
        (
            "DISABLE",
            [("raw_buffer", 0, "http", False)],
            [("raw_buffer", 0, "tcp", False)],
            [("raw_buffer", 2, "http", False), ("raw_buffer", 0, "tcp", False)],
        ),
    ],
)
def test_chains_follow_mode_and_protocol(mode: str, http: Any, tcp: Any, sniffed: Any) -> None:
    made = shown(mesh_of(SERVICE, peers(mode)))

    assert kinds(made, 8080) == http
    assert kinds(made, 8081) == http
    assert kinds(made, 8082) == tcp
    assert kinds(made, 8083) == sniffed
    assert kinds(made, None) == sniffed  # everything that no service has


def test_the_proxys_own_port_is_a_dead_end() -> None:
    first = shown(mesh_of(SERVICE))["filter_chains"][0]

    assert first["name"] == "virtualInbound-blackhole"
    assert first["filter_chain_match"] == {"destination_port": 15006}
    assert first["filters"][0]["typed_config"]["cluster"] == "BlackHoleCluster"


def test_a_port_with_its_own_mode_and_no_service_passes_through_under_it() -> None:
    policy = peers("PERMISSIVE", more=", selector: {matchLabels: {app: web}}, "
                   "portLevelMtls: {7000: {mode: STRICT}, 8080: {mode: DISABLE}}")  # fmt: skip

    made = shown(mesh_of(SERVICE, policy))

    assert kinds(made, 7000) == STRICT_ANY
    assert kinds(made, 8080) == [("raw_buffer", 0, "http", False)]
    assert kinds(made, 8082) == PERMISSIVE_TCP


def disabled(listener: dict[str, Any], name: str) -> Any:
    for each in listener["listener_filters"]:
        if each["name"].endswith(name):
            return each.get("filter_disabled")
    return "absent"


def test_inspectors_leave_ports_alone_that_do_not_need_them() -> None:
    made = shown(mesh_of(SERVICE))

    tls = disabled(made, "tls_inspector")
    http = disabled(made, "http_inspector")
    assert tls == {"destination_port_range": {"start": 15006, "end": 15007}}
    starts = [rule["destination_port_range"]["start"] for rule in http["or_match"]["rules"]]
    assert starts == [8080, 8081, 8082, 15006]


def test_an_inspector_that_only_some_ports_need_is_off_elsewhere() -> None:
    policy = peers("STRICT", more=", selector: {matchLabels: {app: web}}, "
                   "portLevelMtls: {8083: {mode: PERMISSIVE}}")  # fmt: skip

    made = shown(mesh_of(SERVICE, policy))

    wanted = {"not_match": {"destination_port_range": {"start": 8083, "end": 8084}}}
    assert disabled(made, "http_inspector") == wanted


def test_no_inspector_where_nothing_is_to_be_found() -> None:
    made = shown(mesh_of(SERVICE.partition("  - {name: unnamed")[0], peers("STRICT")))

    assert disabled(made, "http_inspector") == "absent"


def manager(listener: dict[str, Any], port: int) -> dict[str, Any]:
    for chain in listener["filter_chains"]:
        if chain.get("filter_chain_match", {}).get("destination_port") == port:
            found: dict[str, Any] = chain["filters"][-1]["typed_config"]
            return found
    raise AssertionError(f"no chain for {port}")


def test_requests_go_to_the_workload_without_timeout_and_with_the_callers_identity() -> None:
    made = manager(shown(mesh_of(SERVICE)), 8080)

    host = made["route_config"]["virtual_hosts"][0]
    route = host["routes"][0]
    assert (host["name"], host["domains"]) == ("inbound|http|80", ["*"])
    assert route["route"]["cluster"] == "inbound|8080||"
    assert route["route"]["timeout"] == "0s"
    assert route["route"]["retry_policy"] == {"retry_on": "reset-before-request", "num_retries": 2}
    assert route["decorator"]["operation"] == "web.shop.svc.cluster.local:80/*"
    assert made["forward_client_cert_details"] == "APPEND_FORWARD"
    assert made["server_name"] == "istio-envoy"
    assert made["stat_prefix"] == "inbound_0.0.0.0_8080;"


def test_the_mesh_may_say_when_the_workload_is_asked_again() -> None:
    policy = "defaultInboundHttpRetryPolicy: {attempts: 5, retryOn: '503'}"
    mesh = mesh_of(SERVICE, mesh_config=policy)

    route = manager(shown(mesh), 8080)["route_config"]["virtual_hosts"][0]["routes"][0]["route"]

    assert route["retry_policy"]["num_retries"] == 5
    assert route["retry_policy"]["retriable_status_codes"] == [503]


def test_grpc_is_not_retried() -> None:
    route = manager(shown(mesh_of(SERVICE)), 8081)["route_config"]["virtual_hosts"][0]["routes"][0]

    assert "retry_policy" not in route["route"]


def tls_of(chain: dict[str, Any]) -> dict[str, Any]:
    context: dict[str, Any] = chain["transport_socket"]["typed_config"]
    return context


def test_clients_must_hold_an_identity_of_the_mesh_or_its_aliases() -> None:
    mesh = mesh_of(SERVICE, mesh_config="{trustDomain: new.example, trustDomainAliases: [old]}")
    chain = next(each for each in shown(mesh)["filter_chains"] if each["name"] == "0.0.0.0_8080")

    context = tls_of(chain)
    names = context["common_tls_context"]["combined_validation_context"][
        "default_validation_context"
    ]["match_typed_subject_alt_names"]
    assert context["require_client_certificate"] is True
    assert [name["matcher"]["prefix"] for name in names] == [
        "spiffe://new.example/",
        "spiffe://old/",
    ]


def test_the_oldest_service_owns_a_shared_port() -> None:
    other = SERVICE.replace("name: web,", "name: another,").replace("name: http", "name: tcp-x")

    made = shown(mesh_of(SERVICE, other))

    assert kinds(made, 8080) == PERMISSIVE_TCP  # `another` comes first by name


def test_ingress_listeners_replace_the_services_ports() -> None:
    mesh = mesh_of(SERVICE, SIDECAR)
    made = shown(mesh)

    assert kinds(made, 9000) == PERMISSIVE_HTTP
    assert kinds(made, 8080) == []
    assert {chain["name"] for chain in made["filter_chains"]} >= {"10.1.0.7_9000"}
    assert inbound.listener_names(mesh, WORKLOAD) == ("0.0.0.0_9443", "virtualInbound")


def test_tls_of_an_ingress_listener_holds_where_the_meshs_own_is_disabled() -> None:
    mesh = mesh_of(SERVICE, SIDECAR)
    under_mesh_tls = shown(mesh, name="0.0.0.0_9443")
    apply(mesh, peers("DISABLE"))
    on_its_own = shown(mesh, name="0.0.0.0_9443")

    assert kinds(under_mesh_tls, None) == PERMISSIVE_TCP
    assert kinds(on_its_own, None) == [("tls", 0, "http", True)]
    context = tls_of(on_its_own["filter_chains"][0])
    assert context["require_client_certificate"] is True
    secrets = context["common_tls_context"]["tls_certificate_sds_secret_configs"]
    assert secrets[0]["name"] == "file-cert:/c.pem~/k.pem"


def test_without_capture_every_port_is_bound_at_the_workloads_address() -> None:
    mesh = mesh_of(SERVICE)

    names = inbound.listener_names(mesh, UNCAPTURED)
    made = shown(mesh, UNCAPTURED, "10.1.0.7_8080")

    assert names == ("10.1.0.7_8080", "10.1.0.7_8081", "10.1.0.7_8082", "10.1.0.7_8083")
    assert made["address"]["socket_address"] == {"address": "10.1.0.7", "port_value": 8080}
    assert kinds(made, None) == PERMISSIVE_HTTP
    assert inbound.listener(mesh, UNCAPTURED, "virtualInbound") is None


def test_privileged_ports_are_left_out_where_they_cannot_be_bound() -> None:
    mesh = mesh_of(SERVICE.replace("targetPort: 8080", "targetPort: 80"))

    names = inbound.listener_names(mesh, replace(UNCAPTURED, unprivileged=True))

    assert names == ("10.1.0.7_8081", "10.1.0.7_8082", "10.1.0.7_8083")


@pytest.mark.envoy
@pytest.mark.parametrize("mode", ["PERMISSIVE", "STRICT", "DISABLE"])
def test_envoy_accepts_the_listeners(mode: str) -> None:
    mesh = mesh_of(SERVICE, peers(mode), mesh_config="{accessLogFile: /dev/stdout}")
    with_sidecar = mesh_of(SERVICE, SIDECAR, peers(mode))
    made = [
        inbound.listener(world, proxy, name)
        for world in (mesh, with_sidecar)
        for proxy in (WORKLOAD, UNCAPTURED, replace(WORKLOAD, interception=Interception.TPROXY))
        for name in inbound.listener_names(world, proxy)
    ]

    for listener in made:
        assert_accepted(listeners=[listener])
