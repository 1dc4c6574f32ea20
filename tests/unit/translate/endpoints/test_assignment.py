from dataclasses import replace

from lateen.catalog.service import Locality
from lateen.translate import endpoints
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.unit.translate.clusters.worlds import (
    CLIENT,
    REVIEWS,
    addresses,
    apply,
    entry,
    istio,
    localities,
    mesh_of,
    pod,
    reviews,
    rule,
    service,
)

NAME = f"outbound|80||{REVIEWS}"
GEO = "outbound|80||geo.example.com"
PLACES = {"10.0.0.1": "us/east/a", "10.0.0.2": "us/east/b", "10.0.0.3": "us/west/c",
          "10.0.0.4": "eu/north/d"}  # fmt: skip


def geo(policy: str = "", *more: str, mesh_config: str = "") -> Mesh:
    written = ", ".join(f"{{address: {ip}, locality: {at}}}" for ip, at in PLACES.items())
    text = entry(
        "geo.example.com",
        "resolution: STATIC, location: MESH_INTERNAL, "
        f"ports: [{{number: 80, name: http, protocol: HTTP}}], endpoints: [{written}]",
    )
    if policy:
        text += rule(f"trafficPolicy: {{{policy}}}", "geo.example.com")
    return mesh_of(text + "".join(more), mesh_config=mesh_config or None)


def at(region: str = "", zone: str = "", subzone: str = "") -> ProxyClass:
    return replace(CLIENT, locality=Locality(region, zone, subzone))


def priorities(mesh: Mesh, client: ProxyClass) -> dict[str, int]:
    return {
        endpoint["endpoint"]["address"]["socket_address"]["address"]: place.get("priority", 0)
        for place in localities(mesh, GEO, client)
        for endpoint in place["lb_endpoints"]
    }


def weights(mesh: Mesh, client: ProxyClass) -> dict[str, int]:
    return {
        place["lb_endpoints"][0]["endpoint"]["address"]["socket_address"]["address"]: place[
            "load_balancing_weight"
        ]
        for place in localities(mesh, GEO, client)
    }


def test_endpoints_say_who_they_are_and_that_they_take_mutual_tls() -> None:
    (place,) = localities(reviews(), NAME)
    endpoint = place["lb_endpoints"][0]

    assert endpoint["metadata"]["filter_metadata"] == {
        "envoy.transport_socket_match": {"tlsMode": "istio"},
        "istio": {"workload": "reviews-v1;default;reviews;v1;Kubernetes"},
    }
    assert endpoint["health_status"] == "HEALTHY"
    assert place["load_balancing_weight"] == 2


def test_subsets_have_the_endpoints_with_their_labels() -> None:
    mesh = reviews(rule("subsets: [{name: v2, labels: {version: v2}}]"))

    assert addresses(mesh, f"outbound|80|v2|{REVIEWS}") == ["10.1.0.2"]
    assert addresses(mesh, f"outbound|80|v9|{REVIEWS}") == []


def test_a_cluster_that_nobody_knows_has_no_endpoints() -> None:
    for name in (f"outbound|99||{REVIEWS}", "outbound|80||nobody.example.com", "xds-grpc"):
        assert localities(reviews(), name) == []


def test_endpoints_that_are_not_ready_are_sent_marked() -> None:
    mesh = reviews(pod("reviews-v3", "10.1.0.3", "app: reviews", ready=False))
    states = {
        endpoint["endpoint"]["address"]["socket_address"]["address"]: endpoint["health_status"]
        for endpoint in localities(mesh, NAME)[0]["lb_endpoints"]
    }

    assert states["10.1.0.3"] == "UNHEALTHY"


def test_a_port_without_mutual_tls_is_not_offered_it() -> None:
    policy = (
        "selector: {matchLabels: {app: reviews, version: v1}}, mtls: {mode: STRICT}, "
        "portLevelMtls: {8080: {mode: DISABLE}}"
    )
    mesh = reviews(istio("PeerAuthentication", "open", policy))
    first, second = localities(mesh, NAME)[0]["lb_endpoints"]

    assert "envoy.transport_socket_match" not in first["metadata"]["filter_metadata"]
    assert "envoy.transport_socket_match" in second["metadata"]["filter_metadata"]


def test_tls_of_the_user_s_own_leaves_the_mark_out() -> None:
    mesh = reviews(rule("trafficPolicy: {tls: {mode: SIMPLE}}"))

    assert "envoy.transport_socket_match" not in str(localities(mesh, NAME))


def test_one_changed_endpoint_is_one_changed_cell() -> None:
    mesh = reviews(service("other", "selector: {app: other}, ports: [{name: http, port: 80}]"))
    names = (NAME, "outbound|80||other.default.svc.cluster.local")
    nodes = [endpoints.cell(mesh, CLIENT, name) for name in names]
    for node in nodes:
        mesh.graph.observe(node)
    mesh.graph.settle()

    apply(mesh, pod("reviews-v3", "10.1.0.3", "app: reviews"))

    assert mesh.graph.settle() == [nodes[0]]


def test_many_endpoints_are_sent_as_few_would_be() -> None:
    text = service("big", "selector: {app: big}, ports: [{name: http, port: 80}]")
    expected = {"a": set[str](), "b": set[str]()}
    for number in range(100):
        address, region = f"10.2.0.{number}", "ab"[number % 2]
        expected[region].add(address)
        text += istio(
            "WorkloadEntry", f"w{number}",
            f"address: {address}, labels: {{app: big}}, locality: {region}",
        )  # fmt: skip
    mesh = mesh_of(text)
    name = "outbound|80||big.default.svc.cluster.local"
    node = endpoints.cell(mesh, CLIENT, name)
    mesh.graph.observe(node)
    mesh.graph.settle()
    before = mesh.graph.evaluations

    apply(mesh, istio("WorkloadEntry", "w0", "address: 10.3.0.1, labels: {app: big}, locality: a"))
    expected["a"] ^= {"10.2.0.0", "10.3.0.1"}

    assert mesh.graph.settle() == [node]
    assert mesh.graph.evaluations - before < 15
    assert {
        place["locality"]["region"]: {
            endpoint["endpoint"]["address"]["socket_address"]["address"]
            for endpoint in place["lb_endpoints"]
        }
        for place in localities(mesh, name)
    } == expected


def test_traffic_that_stays_on_the_node_sees_that_node_alone() -> None:
    text = service(
        "local", "selector: {app: local}, internalTrafficPolicy: Local, ports: [{port: 80}]"
    )
    text += pod("a", "10.1.0.1", "app: local", node="n1") + pod(
        "b", "10.1.0.2", "app: local", node="n2"
    )
    mesh = mesh_of(text)
    name = "outbound|80||local.default.svc.cluster.local"

    assert addresses(mesh, name, replace(CLIENT, node="n2")) == ["10.1.0.2"]
    assert addresses(mesh, name, replace(CLIENT, node="n3")) == []


def test_localities_are_equal_until_outliers_are_ejected() -> None:
    assert set(priorities(geo(), at("us", "east", "a")).values()) == {0}


def test_with_ejection_the_nearest_come_first() -> None:
    found = priorities(geo("outlierDetection: {}"), at("us", "east", "a"))

    assert found == {"10.0.0.1": 0, "10.0.0.2": 1, "10.0.0.3": 2, "10.0.0.4": 3}


def test_priorities_have_no_gaps() -> None:
    found = priorities(geo("outlierDetection: {}"), at("us", "south", "z"))

    assert found == {"10.0.0.1": 0, "10.0.0.2": 0, "10.0.0.3": 0, "10.0.0.4": 1}


def test_a_failover_region_comes_before_the_others() -> None:
    policy = (
        "outlierDetection: {}, "
        "loadBalancer: {localityLbSetting: {failover: [{from: asia, to: eu}]}}"
    )

    assert priorities(geo(policy), at("asia")) == {
        "10.0.0.1": 1, "10.0.0.2": 1, "10.0.0.3": 1, "10.0.0.4": 0,
    }  # fmt: skip


def test_failover_can_go_by_labels() -> None:
    policy = (
        "outlierDetection: {}, loadBalancer: {localityLbSetting: {failoverPriority: "
        "['topology.kubernetes.io/region', 'topology.kubernetes.io/zone']}}"
    )

    assert priorities(geo(policy), at("us", "west")) == {
        "10.0.0.1": 1, "10.0.0.2": 1, "10.0.0.3": 0, "10.0.0.4": 2,
    }  # fmt: skip


LABELLED = "outlierDetection: {}, loadBalancer: {localityLbSetting: {failoverPriority: [version]"


def labelled(policy: str) -> Mesh:
    pods = pod("one", "10.1.0.1", "app: near, version: v1, istio-locality: us.east")
    pods += pod("two", "10.1.0.2", "app: near, version: v2, istio-locality: us.west")
    pods += pod("three", "10.1.0.3", "app: near, version: v2, istio-locality: eu.north")
    near = service("near", "selector: {app: near}, ports: [{port: 80}]")
    host = "near.default.svc.cluster.local"
    return mesh_of(near + pods + rule(f"trafficPolicy: {{{policy}}}", host))


def ranks(mesh: Mesh, client: ProxyClass) -> dict[str, int]:
    name = "outbound|80||near.default.svc.cluster.local"
    return {
        place["locality"]["zone"]: place.get("priority", 0)
        for place in localities(mesh, name, client)
    }


def test_failover_can_go_by_labels_of_the_workload() -> None:
    mesh = labelled(LABELLED + "}}")
    client = replace(at("us", "east"), labels=(("app", "front"), ("version", "v2")))

    assert ranks(mesh, client) == {"east": 1, "west": 0, "north": 0}
    assert ranks(mesh, replace(client, labels=(("version", "v1"),))) == {
        "east": 0, "west": 1, "north": 1,
    }  # fmt: skip


def test_failover_by_labels_can_go_on_by_distance() -> None:
    mesh = labelled(LABELLED + ", failover: [{from: us, to: eu}]}}")
    client = replace(at("us", "east"), labels=(("version", "v2"),))

    assert ranks(mesh, client) == {"east": 2, "west": 0, "north": 1}


def test_labels_that_failover_goes_by_tell_clients_apart_and_others_do_not() -> None:
    mesh = labelled(LABELLED + "}}")
    one = replace(at("us", "east"), labels=(("app", "a"), ("version", "v2")))
    two = replace(one, labels=(("app", "b"), ("version", "v2")))
    name = "outbound|80||near.default.svc.cluster.local"

    assert endpoints.cell(mesh, one, name) is endpoints.cell(mesh, two, name)
    assert endpoints.cell(mesh, one, name) is not endpoints.cell(
        mesh, replace(one, labels=(("version", "v1"),)), name
    )


def test_a_service_can_ask_for_its_own_node() -> None:
    text = service(
        "near", "selector: {app: near}, trafficDistribution: PreferSameNode, ports: [{port: 80}]"
    )
    for node in ("n1", "n2"):
        text += pod(node, f"10.1.0.{node[1]}", "app: near", node=node)
    name = "outbound|80||near.default.svc.cluster.local"
    mesh = mesh_of(text)
    found = {
        endpoint["endpoint"]["address"]["socket_address"]["address"]: place.get("priority", 0)
        for place in localities(mesh, name, replace(CLIENT, node="n2"))
        for endpoint in place["lb_endpoints"]
    }

    assert found == {"10.1.0.1": 1, "10.1.0.2": 0}


def test_failover_can_be_turned_off() -> None:
    policy = "outlierDetection: {}, loadBalancer: {localityLbSetting: {enabled: false}}"

    assert set(priorities(geo(policy), at("us", "east", "a")).values()) == {0}


def test_distribution_gives_each_locality_its_share() -> None:
    policy = (
        "loadBalancer: {localityLbSetting: {distribute: "
        "[{from: us/*, to: {'us/east/*': 80, 'eu/*': 20}}]}}"
    )
    mesh = geo(policy)

    assert weights(mesh, at("us", "west")) == {"10.0.0.1": 40, "10.0.0.2": 40, "10.0.0.4": 20}
    assert set(weights(mesh, at("asia"))) == set(PLACES)


def test_a_service_can_ask_for_its_own_zone() -> None:
    zones = {"10.1.0.1": "z1", "10.1.0.2": "z2"}
    text = service(
        "near", "selector: {app: near}, trafficDistribution: PreferClose, ports: [{port: 80}]"
    )
    for address, zone in zones.items():
        text += pod(zone, address, f"app: near, istio-locality: r.{zone}")
    name = "outbound|80||near.default.svc.cluster.local"
    found = {
        place["locality"]["zone"]: place.get("priority", 0)
        for place in localities(mesh_of(text), name, at("r", "z2"))
    }

    assert found == {"z1": 1, "z2": 0}


def test_clients_share_a_cell_when_their_place_does_not_matter() -> None:
    mesh = reviews()

    endpoints.endpoints(mesh, at("us", "east"), NAME)
    first = mesh.graph.evaluations
    endpoints.endpoints(mesh, at("us", "west"), NAME)

    assert (mesh.graph.evaluations - first) * 4 <= first
