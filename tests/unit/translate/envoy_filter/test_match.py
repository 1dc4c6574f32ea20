"""Patches in the context WAYPOINT: of waypoints, and of no other proxy."""

from dataclasses import replace

from lateen.envoy import messages, types
from lateen.translate import discovery
from lateen.translate.envoy_filter import layer, listeners
from lateen.translate.envoy_filter.patch import patches
from lateen.translate.envoy_filter.trial import Trial
from lateen.view.envoy_filter import selection
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from tests.unit.translate.envoy_filter.patch_world import (
    CLIENT,
    CLUSTER,
    LUA,
    patch,
    patched_mesh,
    sent,
)

WAYPOINT = replace(CLIENT, kind=ProxyKind.WAYPOINT)
MANAGER = "envoy.filters.network.http_connection_manager"
FILTER = f"{{name: {MANAGER}, subFilter: {{name: envoy.filters.http.router}}}}"


def test_a_cluster_of_a_waypoint_is_patched_and_that_of_a_sidecar_is_not() -> None:
    mesh = patched_mesh(
        patch("CLUSTER", "MERGE", "{connect_timeout: 0.25s}", "{context: WAYPOINT}")
    )

    of_waypoint = sent(mesh, discovery.CLUSTER, CLUSTER, WAYPOINT)
    of_sidecar = sent(mesh, discovery.CLUSTER, CLUSTER, CLIENT)
    assert (of_waypoint or {})["connect_timeout"] == "0.250s"
    assert (of_sidecar or {})["connect_timeout"] == "10s"


def test_what_is_added_for_waypoints_is_theirs_alone() -> None:
    listener = (
        "{name: mine, address: {socket_address: {address: 127.0.0.1, port_value: 1}}, "
        "filter_chains: [{}]}"
    )
    mesh = patched_mesh(patch("LISTENER", "ADD", listener, "{context: WAYPOINT}"))

    assert discovery.names(mesh, WAYPOINT, discovery.LISTENER) == ("mine",)
    assert "mine" not in discovery.names(mesh, CLIENT, discovery.LISTENER)


def test_a_filter_of_a_waypoints_listener_is_found_by_the_waypoint_match() -> None:
    text = patch("HTTP_FILTER", "INSERT_BEFORE", LUA, f"{{waypoint: {{filter: {FILTER}}}}}")

    made = patched_listener(patched_mesh(text))

    assert made == ["envoy.filters.http.lua", "envoy.filters.http.router"]


def patched_listener(mesh: Mesh) -> list[str]:
    """HTTP filters of a listener as a waypoint would have it."""
    manager = types.HttpConnectionManager(stat_prefix="x")
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.CopyFrom(messages.pack(types.Router()))
    listener = types.Listener(name="main_internal")
    chain = listener.filter_chains.add(name="inbound-vip|80|http|web.shop.svc.cluster.local")
    chain.filters.add(name=MANAGER).typed_config.CopyFrom(messages.pack(manager))
    concerned = patches(mesh, selection(mesh, WAYPOINT), layer.APPLIES[discovery.LISTENER])
    made = listeners.patched(concerned, ProxyKind.WAYPOINT, listener, Trial())
    (patched,) = made.filter_chains[0].filters
    return [each.name for each in messages.unpack(patched.typed_config).http_filters]
