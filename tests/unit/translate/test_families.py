"""Proxies of IPv4, of IPv6, and of both."""

from dataclasses import replace
from typing import Any

import pytest

from lateen.base.name_table import NameTable
from lateen.envoy import messages, types
from lateen.translate import families, name_table
from lateen.translate.clusters import build as clusters
from lateen.translate.listeners import gateway, inbound, outbound
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh
from lateen.view.proxy import Families, ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.gateway_world import ROUTER, gateway_of
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

IPV6 = replace(CLIENT, labels=(("app", "web"),), ipv4=False, ipv6=True)
DUAL = replace(IPV6, ipv4=True, dual_stack=True)
BOTH_ADDRESSES = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIPs: [10.0.0.9, "fd00::9"], ports: [{name: tcp, port: 5432}]}
"""
NAMED = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside, namespace: shop}
spec:
  hosts: [outside.example.com]
  resolution: DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
"""
HTTP = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"


def world() -> Mesh:
    mesh = "outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}"
    return mesh_of(http_service("web"), BOTH_ADDRESSES, NAMED, gateway_of(HTTP), mesh_config=mesh)


def addresses(made: bytes | None) -> list[str]:
    assert made is not None
    shown: dict[str, Any] = messages.to_json(types.Listener.FromString(made))
    more = [each["address"] for each in shown.get("additional_addresses", ())]
    return [each["socket_address"]["address"] for each in (shown["address"], *more)]


def cluster(proxy: ProxyClass, name: str) -> dict[str, Any]:
    made = clusters.cluster(world(), proxy, name)
    assert made is not None
    return messages.to_json(types.Cluster.FromString(made))


@pytest.mark.parametrize(
    ("proxy", "wanted"), [(CLIENT, ["0.0.0.0"]), (IPV6, ["::"]), (DUAL, ["0.0.0.0", "::"])]
)
def test_listeners_are_on_the_addresses_of_the_families(
    proxy: ProxyClass, wanted: list[str]
) -> None:
    mesh = world()
    router = replace(ROUTER, ipv4=proxy.ipv4, ipv6=proxy.ipv6, dual_stack=proxy.dual_stack)

    assert addresses(outbound.listener(mesh, proxy, "virtualOutbound")) == wanted
    assert addresses(inbound.listener(mesh, proxy, "virtualInbound")) == wanted
    assert addresses(outbound.listener(mesh, proxy, f"{wanted[0]}_80")) == wanted
    assert addresses(gateway.listener(mesh, router, f"{wanted[0]}_80")) == wanted


@pytest.mark.parametrize(
    ("proxy", "source", "more"),
    [(CLIENT, "127.0.0.6", []), (IPV6, "::6", []), (DUAL, "127.0.0.6", ["::6"])],
)
def test_inbound_connections_leave_from_an_address_of_the_family(
    proxy: ProxyClass, source: str, more: list[str]
) -> None:
    for name in ("InboundPassthroughCluster", "inbound|80||"):
        bind = cluster(replace(proxy, labels=(("app", "web"),)), name)["upstream_bind_config"]
        others = [each["address"]["address"] for each in bind.get("extra_source_addresses", ())]
        assert (bind["source_address"]["address"], others) == (source, more)


@pytest.mark.parametrize(
    ("proxy", "wanted"), [(CLIENT, "V4_ONLY"), (IPV6, "V6_ONLY"), (DUAL, "ALL")]
)
def test_names_are_looked_up_in_the_families(proxy: ProxyClass, wanted: str) -> None:
    shown = cluster(proxy, "outbound|80||outside.example.com")

    assert shown.get("dns_lookup_family", "AUTO") == wanted


@pytest.mark.parametrize(
    ("proxy", "wanted"),
    [
        (CLIENT, ["10.0.0.9_5432"]),
        (IPV6, ["fd00::9_5432"]),
        (DUAL, ["10.0.0.9_5432", "fd00::9_5432"]),
    ],
)
def test_services_are_taken_at_their_addresses_of_the_families(
    proxy: ProxyClass, wanted: list[str]
) -> None:
    names = outbound.listener_names(world(), proxy)

    assert [name for name in names if name.endswith("_5432")] == wanted


@pytest.mark.parametrize(("proxy", "wanted"), [(CLIENT, [4]), (IPV6, [6]), (DUAL, [4, 6])])
def test_automatic_addresses_are_of_the_families(proxy: ProxyClass, wanted: list[int]) -> None:
    asker = replace(proxy, dns_capture=True, dns_auto_allocate=True)
    table = NameTable.FromString(name_table.name_table(world(), asker))

    found = table.table["outside.example.com"].ips
    assert [6 if ":" in each else 4 for each in found] == wanted
    assert all(each.startswith(("240.240.", "2001:2::")) for each in found)


def test_written_addresses_are_told_whatever_the_asker_has() -> None:
    table = NameTable.FromString(name_table.name_table(world(), CLIENT))

    assert list(table.table["db.shop.svc.cluster.local"].ips) == ["10.0.0.9", "fd00::9"]


def test_dual_stack_is_for_who_asks_and_has_both() -> None:
    def of(*ips: str, asks: bool = True) -> Families:
        metadata = {"DUAL_STACK": "true"} if asks else {}
        description = {"ips": list(ips), "metadata": metadata}
        return classes.proxy_from_description(description, Mesh()).proxy_class.families

    assert of("10.0.0.1", "fd00::1") is Families.BOTH
    assert of("10.0.0.1", "fd00::1", asks=False) is Families.IPV4
    assert of("10.0.0.1") is Families.IPV4
    assert of("fd00::1") is Families.IPV6


def test_addresses_of_no_wanted_family_are_better_than_none() -> None:
    assert families.of(["fd00::1"], Families.IPV4) == ("fd00::1",)


@pytest.mark.envoy
@pytest.mark.parametrize("proxy", [IPV6, DUAL])
def test_envoy_accepts_them(proxy: ProxyClass) -> None:
    mesh = world()
    names = clusters.cluster_names(mesh, proxy)

    assert_accepted(
        listeners=[
            *(
                outbound.listener(mesh, proxy, name)
                for name in outbound.listener_names(mesh, proxy)
            ),
            inbound.listener(mesh, proxy, "virtualInbound"),
        ],
        clusters=[clusters.cluster(mesh, proxy, name) for name in names],
    )
