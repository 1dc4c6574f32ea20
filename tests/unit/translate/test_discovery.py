"""The table of what a proxy can ask for."""

from dataclasses import replace

from lateen.envoy import types
from lateen.translate import discovery
from lateen.view.proxy import Interception
from tests.unit.translate.gateway_world import ROUTER, gateway_of
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of

SERVER = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"


def test_a_sidecar_listens_both_ways() -> None:
    mesh = mesh_of(http_service("web"))

    names = discovery.names(mesh, CLIENT, discovery.LISTENER)

    assert names == ("0.0.0.0_80", "virtualOutbound", "virtualInbound")


def test_every_name_of_a_wildcard_type_has_a_cell() -> None:
    mesh = mesh_of(http_service("web"), gateway_of(SERVER))

    for proxy in (CLIENT, ROUTER):
        for type_url, kind in (
            (discovery.LISTENER, types.Listener),
            (discovery.CLUSTER, types.Cluster),
        ):
            for name in discovery.names(mesh, proxy, type_url):
                found = discovery.cell(mesh, proxy, type_url, name).read()
                assert kind.FromString(found).name == name


def test_routes_and_secrets_are_asked_for_by_name() -> None:
    mesh = mesh_of(http_service("web"), gateway_of(SERVER))

    assert discovery.names(mesh, CLIENT, discovery.ROUTE) == ()
    assert discovery.cell(mesh, CLIENT, discovery.ROUTE, "80").read()
    assert discovery.cell(mesh, ROUTER, discovery.ROUTE, "http.80").read()
    assert discovery.cell(mesh, ROUTER, discovery.SECRET, "kubernetes://absent").read() is None


def test_without_capture_a_bound_listener_of_either_direction_is_found() -> None:
    uncaptured = replace(
        CLIENT,
        interception=Interception.NONE,
        addresses=("127.0.1.1",),
        loopback_index=1,
        labels=(("app", "web"),),
    )
    mesh = mesh_of(http_service("web", address="127.64.3.0"))

    names = discovery.names(mesh, uncaptured, discovery.LISTENER)

    assert "127.0.1.1_80" in names
    directions = {
        name: types.Listener.FromString(
            discovery.cell(mesh, uncaptured, discovery.LISTENER, name).read()
        ).traffic_direction
        for name in names
    }
    assert set(directions.values()) == {1, 2}


def test_an_unknown_type_has_cells_that_hold_nothing() -> None:
    mesh = mesh_of()

    assert discovery.names(mesh, CLIENT, "type.googleapis.com/x") == ()
    assert discovery.cell(mesh, CLIENT, "type.googleapis.com/x", "a").read() is None
