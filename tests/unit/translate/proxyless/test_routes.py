from lateen.translate import discovery
from tests.unit.translate.proxyless.worlds import NAME, carts, istio, shown

ROUTES = istio(
    "networking",
    "VirtualService",
    "hosts: [carts], http: [{timeout: 5s, route: [{destination: {host: carts}}],"
    " fault: {abort: {grpcStatus: UNAVAILABLE}}, corsPolicy: {allowMethods: [GET]}}]",
)


def test_routes_hold_nothing_that_grpc_would_refuse() -> None:
    made = shown(carts(ROUTES), discovery.ROUTE, NAME)

    assert made is not None
    (route,) = made["virtual_hosts"][0]["routes"]
    assert list(route["typed_per_filter_config"]) == ["envoy.filters.http.fault"]
    assert route["route"]["max_stream_duration"] == {"max_stream_duration": "5s"}
    assert "timeout" not in route["route"]


def test_a_target_may_name_its_port_or_not() -> None:
    made = shown(carts(), discovery.ROUTE, NAME)

    assert made is not None
    domains = made["virtual_hosts"][0]["domains"]
    assert {"carts", "carts:9000", "carts.shop.svc.cluster.local:9000"} <= set(domains)


def test_there_are_no_routes_of_services_that_nobody_has() -> None:
    assert shown(carts(), discovery.ROUTE, "outbound|9000||nobody.shop.svc.cluster.local") is None
    assert shown(carts(), discovery.ROUTE, "9000") is None
