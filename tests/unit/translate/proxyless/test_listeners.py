from dataclasses import replace
from typing import Any

import pytest

from lateen.translate import discovery
from tests.unit.translate.proxyless.worlds import GRPC, NAME, carts, istio, shown

SERVER = "xds.istio.io/grpc/lds/inbound/10.1.0.7:9000"
STRICT = istio("security", "PeerAuthentication", "mtls: {mode: STRICT}")
TOKENS = istio(
    "security",
    "RequestAuthentication",
    "jwtRules: [{issuer: i, jwksUri: 'http://carts.shop.svc.cluster.local/keys'}]",
)
DENY = istio(
    "security", "AuthorizationPolicy", "action: DENY, rules: [{to: [{operation: {paths: [/a]}}]}]"
)


def chain(*policies: str, labels: tuple[tuple[str, str], ...] = ()) -> dict[str, Any] | None:
    made = shown(carts(*policies), discovery.LISTENER, SERVER, replace(GRPC, labels=labels))
    return made["filter_chains"][0] if made is not None else None


@pytest.mark.parametrize(
    "host", ["carts.shop.svc.cluster.local", "carts.shop.svc", "carts.shop", "carts"]
)
def test_a_client_finds_the_routes_of_a_host_as_its_resolver_would(host: str) -> None:
    made = shown(carts(), discovery.LISTENER, f"{host}:9000")

    assert made is not None
    assert made["api_listener"]["api_listener"]["rds"]["route_config_name"] == NAME


@pytest.mark.parametrize("name", ["carts:9001", "nobody:9000", "carts", "carts:http"])
def test_there_is_nothing_for_hosts_and_ports_that_nobody_has(name: str) -> None:
    assert shown(carts(), discovery.LISTENER, name) is None


def test_a_proxyless_client_asks_for_everything_by_name() -> None:
    assert discovery.names(carts(), GRPC, discovery.LISTENER) == ()
    assert discovery.names(carts(), GRPC, discovery.CLUSTER) == ()


def test_a_server_is_mutual_where_it_cannot_be_both() -> None:
    known = (("security.istio.io/tlsMode", "istio"),)
    assert "transport_socket" in (chain(STRICT) or {})
    assert "transport_socket" in (chain(labels=known) or {})
    assert "transport_socket" not in (chain() or {"transport_socket": "no listener"})


def test_policies_that_grpc_knows_hold_and_others_leave_it_without_a_listener() -> None:
    denied = chain(DENY)

    assert denied is not None
    filters = denied["filters"][0]["typed_config"]["http_filters"]
    assert [each["name"] for each in filters] == [
        "envoy.filters.http.rbac", "envoy.filters.http.router",
    ]  # fmt: skip
    assert chain(TOKENS) is None


@pytest.mark.parametrize("address", ["nowhere:9000", "10.1.0.7", "10.1.0.7:http"])
def test_a_server_needs_an_address(address: str) -> None:
    name = f"xds.istio.io/grpc/lds/inbound/{address}"

    assert shown(carts(), discovery.LISTENER, name) is None
