"""Whatever a valid DestinationRule says, Envoy accepts the clusters; and they are repeatable."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lateen.api.destination_rule import (
    ClientTLSSettings,
    ConnectionPoolSettings,
    ConsistentHashLB,
    DestinationRule,
    Distribute,
    Failover,
    H2UpgradePolicy,
    HTTP2KeepAlive,
    HTTPCookie,
    HTTPSettings,
    LoadBalancerSettings,
    LocalityLoadBalancerSetting,
    MagLev,
    OutlierDetection,
    PortTrafficPolicy,
    ProxyProtocol,
    ProxyProtocolVersion,
    RetryBudget,
    RingHash,
    SimpleLB,
    Subset,
    TcpKeepalive,
    TCPSettings,
    TLSmode,
    TrafficPolicy,
    WarmupConfiguration,
)
from lateen.api.duration import SECOND, Duration
from lateen.api.resource import Change, Key, ObjectMeta, Resource
from lateen.api.virtual_service import PortSelector
from lateen.translate import endpoints
from lateen.translate.clusters import build
from lateen.view.mesh import Mesh
from tests.envoy_check import assert_accepted
from tests.unit.translate.clusters.worlds import CLIENT, GATEWAY, entry, pod, service
from tests.unit.view.meshes import apply

HOSTS = (
    "web.default.svc.cluster.local", "set.default.svc.cluster.local", "dns.example.com",
    "one.example.com",
)  # fmt: skip
WORLD = (
    service(
        "web",
        "clusterIP: 10.0.0.1, selector: {app: web}, ports: [{name: http, port: 80}, "
        "{name: grpc, port: 81}, {name: any, port: 82}, {name: tcp, port: 83}]",
    )
    + service("set", "clusterIP: None, selector: {app: set}, ports: [{name: tcp, port: 83}]")
    + entry(
        "dns.example.com",
        "resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}], "
        "endpoints: [{address: a.example.com, locality: r/z}, {address: b.example.com}]",
    )
    + entry(
        "one.example.com",
        "resolution: DNS_ROUND_ROBIN, ports: [{number: 80, name: http, protocol: HTTP}], "
        "endpoints: [{address: a.example.com, locality: r/z}, {address: b.example.com}]",
    )
    + "".join(
        pod(
            f"{name}-{index}",
            f"10.1.{index}.1{place}",
            f"app: {name}, version: v{index}, istio-locality: r{index}.z, "
            "security.istio.io/tlsMode: istio",
        )
        for place, name in enumerate(("web", "set"))
        for index in (1, 2)
    )
)

small = st.integers(0, 1000)
some_seconds = st.none() | st.integers(1, 3600).map(lambda count: Duration(count * SECOND))
labels = st.sampled_from(({}, {"version": "v1"}, {"version": "v9"}))

tcp = st.builds(
    TCPSettings,
    max_connections=small,
    connect_timeout=some_seconds,
    tcp_keepalive=st.none()
    | st.builds(TcpKeepalive, probes=small, time=some_seconds, interval=some_seconds),
    max_connection_duration=some_seconds,
    idle_timeout=some_seconds,
)
http = st.builds(
    HTTPSettings,
    http1_max_pending_requests=small,
    http2_max_requests=small,
    max_requests_per_connection=small,
    max_retries=small,
    idle_timeout=some_seconds,
    h2_upgrade_policy=st.sampled_from(H2UpgradePolicy),
    use_client_protocol=st.booleans(),
    max_concurrent_streams=small,
    http2_keep_alive=st.none()
    | st.builds(HTTP2KeepAlive, interval=some_seconds, timeout=some_seconds),
)
pools = st.builds(ConnectionPoolSettings, tcp=st.none() | tcp, http=st.none() | http)
HASHED: tuple[dict[str, Any], ...] = (
    {"http_header_name": "x"},
    {"use_source_ip": True},
    {"http_query_parameter_name": "q"},
    {"http_cookie": HTTPCookie(name="c", ttl=Duration(0))},
)
hashes = st.sampled_from(HASHED).flatmap(
    lambda what: st.sampled_from(
        (
            ConsistentHashLB(**what),
            ConsistentHashLB(**what, ring_hash=RingHash(minimum_ring_size=512)),
            ConsistentHashLB(**what, maglev=MagLev(table_size=65537)),
            ConsistentHashLB(**what, maglev=MagLev()),
        )
    )
)
localities = st.sampled_from(
    (
        None,
        LocalityLoadBalancerSetting(enabled=False),
        LocalityLoadBalancerSetting(failover=(Failover(from_="r1", to="r2"),)),
        LocalityLoadBalancerSetting(failover_priority=("topology.kubernetes.io/region", "app=x")),
        LocalityLoadBalancerSetting(
            distribute=(Distribute(from_="*", to={"r1/*": 70, "r2/*": 30}),)
        ),
    )
)
warmups = st.none() | st.builds(
    WarmupConfiguration,
    duration=some_seconds,
    minimum_percent=st.none() | st.sampled_from((1.0, 50.0)),
    aggression=st.none() | st.sampled_from((1.0, 2.5)),
)
simple = st.builds(
    LoadBalancerSettings,
    simple=st.sampled_from(SimpleLB),
    locality_lb_setting=localities,
    warmup=warmups,
)
consistent = st.builds(LoadBalancerSettings, consistent_hash=hashes, locality_lb_setting=localities)
balancers = simple | consistent
outliers = st.builds(
    OutlierDetection,
    split_external_local_origin_errors=st.booleans(),
    consecutive_local_origin_failures=st.none() | small,
    consecutive_gateway_errors=st.none() | small,
    consecutive_5xx_errors=st.none() | small,
    interval=some_seconds,
    base_ejection_time=some_seconds,
    max_ejection_percent=st.integers(0, 100),
    min_health_percent=st.integers(0, 100),
)
tls = st.builds(
    ClientTLSSettings,
    mode=st.sampled_from(TLSmode),
    client_certificate=st.just("/c.pem"),
    private_key=st.just("/k.pem"),
    ca_certificates=st.sampled_from(("", "/ca.pem")),
    credential_name=st.sampled_from(("", "secret")),
    subject_alt_names=st.sampled_from(((), ("spiffe://a/b", "x.example", "10.0.0.1"))),
    sni=st.sampled_from(("", "x.example")),
    insecure_skip_verify=st.sampled_from((None, True, False)),
)
blocks: dict[str, Any] = {
    "load_balancer": st.none() | balancers,
    "connection_pool": st.none() | pools,
    "outlier_detection": st.none() | outliers,
    "tls": st.none() | tls,
}
ports = st.builds(
    PortTrafficPolicy,
    port=st.sampled_from((80, 81, 82, 83)).map(lambda number: PortSelector(number=number)),
    **blocks,
)
policies = st.builds(
    TrafficPolicy,
    **blocks,
    port_level_settings=st.lists(ports, max_size=2).map(tuple),
    proxy_protocol=st.none()
    | st.builds(ProxyProtocol, version=st.sampled_from(ProxyProtocolVersion)),
    retry_budget=st.none()
    | st.builds(
        RetryBudget,
        percent=st.none() | st.sampled_from((0.0, 25.0, 100.0)),
        min_retry_concurrency=small,
    ),
)
subsets = st.builds(
    Subset, name=st.sampled_from(("v1", "v2")), labels=labels, traffic_policy=st.none() | policies
)
rules = st.tuples(
    *(
        st.builds(
            DestinationRule,
            host=st.just(host),
            traffic_policy=st.none() | policies,
            subsets=st.lists(subsets, max_size=2, unique_by=lambda x: x.name).map(tuple),
        )
        for host in HOSTS
    )
)


def mesh_with(written: tuple[DestinationRule, ...]) -> Mesh:
    mesh = Mesh()
    apply(mesh, WORLD)
    mesh.apply(
        Change(
            Key("DestinationRule", "default", f"r{index}"),
            Resource(
                kind="DestinationRule",
                api_version="networking.istio.io/v1",
                meta=ObjectMeta(name=f"r{index}", namespace="default"),
                spec=rule,
            ),
        )
        for index, rule in enumerate(written)
    )
    return mesh


@pytest.mark.envoy
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=rules, client=st.sampled_from((CLIENT, GATEWAY)))
def test_envoy_accepts_the_clusters_and_endpoints_of_any_rule(
    written: tuple[DestinationRule, ...], client: Any
) -> None:
    mesh, again = mesh_with(written), mesh_with(written)
    names = build.cluster_names(mesh, client)
    clusters = [build.cluster(mesh, client, name) for name in names]
    eds = [name for name in names if name.startswith("outbound") and "example" not in name]

    assert clusters == [build.cluster(again, client, name) for name in names]
    assert_accepted(
        clusters=clusters, endpoints=[endpoints.endpoints(mesh, client, name) for name in eds]
    )
