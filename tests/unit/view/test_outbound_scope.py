"""Which Sidecar resource governs, and what of a proxy its outbound view depends on."""

import pytest

from lateen.api.resource import Key
from lateen.api.sidecar import OutboundTrafficPolicyMode
from lateen.view.outbound_scope import (
    EgressListener,
    egress_listeners,
    find_sidecar,
    outbound_scope,
    outbound_traffic_policy,
)
from tests.unit.view.meshes import istio, mesh_of, router, scope_of, sidecar

ALL = "egress: [{hosts: ['*/*']}]"


def chooser(name: str, namespace: str, selector: str = "", age: str = "") -> str:
    chosen = f", workloadSelector: {{labels: {{{selector}}}}}" if selector else ""
    return istio(
        "Sidecar", name, ALL + chosen, namespace, f'creationTimestamp: "{age}"' if age else ""
    )


def test_selector_beats_namespace_beats_root() -> None:
    mesh = mesh_of(
        chooser("mine", "default", "app: a")
        + chooser("ours", "default")
        + chooser("all", "istio-system")
    )

    def governs(namespace: str, **labels: str) -> str:
        found = find_sidecar(mesh, namespace, tuple(labels.items()))
        return found.name if found is not None else ""

    assert governs("default", app="a") == "mine"
    assert governs("default", app="b") == "ours"
    assert governs("elsewhere") == "all"


def test_oldest_of_equal_rank_governs() -> None:
    mesh = mesh_of(
        chooser("a", "default", age="2024-01-01T00:00:00Z")
        + chooser("b", "default", age="2020-01-01T00:00:00Z")
    )

    assert find_sidecar(mesh, "default", ()) == Key("Sidecar", "default", "b")


def test_sidecar_with_a_selector_in_the_root_namespace_governs_nobody_elsewhere() -> None:
    mesh = mesh_of(chooser("a", "istio-system", "app: a"))

    assert find_sidecar(mesh, "default", (("app", "a"),)) is None


def test_routers_ignore_sidecar_resources() -> None:
    mesh = mesh_of(chooser("all", "istio-system"))

    assert outbound_scope(mesh, router("istio-system")).sidecar is None


def test_dot_in_a_root_sidecar_is_the_proxys_namespace() -> None:
    mesh = mesh_of(istio("Sidecar", "all", "egress: [{hosts: ['./*']}]", "istio-system"))

    (listener,) = egress_listeners(mesh, scope_of(mesh, "shop"))

    assert listener.hosts == ("shop/*",)


def test_listener_without_a_port_comes_last() -> None:
    port = "{port: {number: 80, protocol: HTTP, name: h}, hosts: ['*/*']}"
    mesh = mesh_of(istio("Sidecar", "s", f"egress: [{{hosts: ['*/*']}}, {port}]"))

    listeners = egress_listeners(mesh, scope_of(mesh))

    assert [(item.index, item.is_catch_all) for item in listeners] == [(0, False), (1, True)]


@pytest.mark.parametrize(
    ("hosts", "imports"),
    [
        (("*/*",), True),
        (("default/*",), True),
        (("far/*",), False),
        (("*/a.com",), True),
        (("*/*.com",), True),
        (("*/b.com",), False),
        (("*/*", "~/a.com"), False),
        (("~/*",), False),
    ],
)
def test_import_by_namespace_and_host(hosts: tuple[str, ...], imports: bool) -> None:
    assert EgressListener(0, hosts).imports("a.com", "default") is imports


def test_present_policy_without_a_mode_is_registry_only() -> None:
    mesh = mesh_of(istio("Sidecar", "s", "outboundTrafficPolicy: {}"))

    policy = outbound_traffic_policy(mesh, scope_of(mesh))

    assert policy.mode is OutboundTrafficPolicyMode.REGISTRY_ONLY


def test_absent_policy_is_the_meshs() -> None:
    default = mesh_of(istio("Sidecar", "s", ALL))
    strict = mesh_of(mesh_config="outboundTrafficPolicy: {mode: REGISTRY_ONLY}")

    assert (
        outbound_traffic_policy(default, scope_of(default)).mode
        is OutboundTrafficPolicyMode.ALLOW_ANY
    )
    assert (
        outbound_traffic_policy(strict, scope_of(strict)).mode
        is OutboundTrafficPolicyMode.REGISTRY_ONLY
    )


def test_egress_proxy_is_named_in_full() -> None:
    proxy = "egressProxy: {host: out, port: {number: 80}}"
    mesh = mesh_of(istio("Sidecar", "s", f"outboundTrafficPolicy: {{mode: ALLOW_ANY, {proxy}}}"))

    policy = outbound_traffic_policy(mesh, scope_of(mesh))

    assert policy.egress_proxy is not None
    assert policy.egress_proxy.host == "out.default.svc.cluster.local"


def test_labels_that_nothing_asks_for_do_not_divide_scopes() -> None:
    mesh = mesh_of(
        istio(
            "VirtualService", "v",
            "hosts: [a.com], http: [{match: [{sourceLabels: {tier: x}}], route: []}]",
        )
    )  # fmt: skip

    scope = outbound_scope(mesh, sidecar("default", app="a", tier="x"))

    assert scope.labels == (("tier", "x"),)
    assert scope == outbound_scope(mesh, sidecar("default", app="b", tier="x"))
