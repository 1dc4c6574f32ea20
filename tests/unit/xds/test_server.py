"""The discovery server over real gRPC: both protocols, acknowledgements, order, merging."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lateen.xds import kinds
from lateen.xds.server import DiscoveryServer
from lateen.xds.transport.status import CallRefused, Status
from tests.unit.xds.ads_client import AdsClient, ads, names_of
from tests.unit.xds.plain_mesh import PlainMesh
from tests.unit.xds.serving import serving

Scenario = Callable[[PlainMesh, DiscoveryServer, AdsClient], Awaitable[None]]


@pytest.fixture
def mesh() -> PlainMesh:
    made = PlainMesh()
    made.put(kinds.CLUSTER, "a", b"cluster a")
    made.put(kinds.CLUSTER, "b", b"cluster b")
    made.put(kinds.ENDPOINT, "a", b"endpoints a")
    made.put(kinds.ENDPOINT, "b", b"endpoints b")
    made.put(kinds.LISTENER, "l", b"listener")
    made.put(kinds.ROUTE, "r", b"routes")
    return made


def run(mesh: PlainMesh, scenario: Scenario, **client: Any) -> None:
    async def main() -> None:
        async with serving(mesh) as (server, port), ads(port, **client) as proxy:
            await scenario(mesh, server, proxy)

    asyncio.run(main())


def change(mesh: PlainMesh, server: DiscoveryServer, type_url: str, name: str, to: bytes) -> None:
    mesh.put(type_url, name, to)
    server.changed()


BY_EDS = b"\x0a\x03new\x10\x03"  # a Cluster: its name, and that it fetches its endpoints


def test_first_request_without_names_is_answered_with_everything(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        response = await proxy.subscribe(kinds.CLUSTER)
        assert names_of(response) == ["a", "b"]
        assert response.resources[0].resource.value == b"cluster a"
        assert response.resources[0].resource.type_url == kinds.CLUSTER
        assert response.resources[0].version != response.resources[1].version

    run(mesh, scenario)


def test_a_change_brings_only_the_changed_resource(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.silence()
        change(mesh, server, kinds.ENDPOINT, "b", b"new")
        response = await proxy.next()
        assert names_of(response) == ["b"]

    run(mesh, scenario)


def test_changes_before_an_acknowledgement_come_merged_after_it(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.request(kinds.ENDPOINT, "a", "b")
        first = await proxy.next()
        for number in range(5):
            change(mesh, server, kinds.ENDPOINT, "a", b"%d" % number)
            change(mesh, server, kinds.ENDPOINT, "b", b"%d" % number)
            await asyncio.sleep(0)
        await proxy.silence()
        await proxy.ack(first)
        merged = await proxy.next()
        assert {r.name: r.resource.value for r in merged.resources} == {"a": b"4", "b": b"4"}

    run(mesh, scenario)


def test_changed_cluster_is_followed_by_its_endpoints(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.silence()
        change(mesh, server, kinds.CLUSTER, "b", b"new")
        clusters, endpoints = await proxy.next(), await proxy.next()
        assert (clusters.type_url, names_of(clusters)) == (kinds.CLUSTER, ["b"])
        assert (endpoints.type_url, names_of(endpoints)) == (kinds.ENDPOINT, ["b"])

    run(mesh, scenario)


def test_removals_come_after_all_updates(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.LISTENER)
        await proxy.subscribe(kinds.ROUTE, "r")
        await proxy.silence()
        mesh.remove(kinds.CLUSTER, "a")
        mesh.put(kinds.CLUSTER, "c", b"cluster c")
        change(mesh, server, kinds.ROUTE, "r", b"to c")
        responses = [await proxy.next() for _ in range(3)]
        assert [names_of(r) for r in responses] == [["c"], ["r"], []]
        assert list(responses[2].removed_resources) == ["a"]

    run(mesh, scenario)


def test_rejected_resource_is_not_sent_again_until_it_changes(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.request(kinds.CLUSTER)
        response = await proxy.next()
        await proxy.ack(response, error="Error adding/updating cluster(s) b: no such thing")
        await proxy.silence()
        (stream,) = server.connected()
        rejection = stream.watches[kinds.CLUSTER].rejection
        assert rejection is not None
        assert (rejection.names, rejection.sources) == (("b",), ("source of b",))
        change(mesh, server, kinds.CLUSTER, "b", b"better")
        again = await proxy.next()
        assert names_of(again) == ["b"]
        await proxy.ack(again)
        await proxy.silence()
        assert stream.watches[kinds.CLUSTER].rejection is None

    run(mesh, scenario)


def test_a_rejection_stands_until_the_resource_is_told_anew(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        change(mesh, server, kinds.CLUSTER, "a", b"bad")
        await proxy.ack(await proxy.next(), error="cluster a: bad")
        await proxy.silence()
        (stream,) = server.connected()
        change(mesh, server, kinds.CLUSTER, "b", b"good")
        await proxy.ack(await proxy.next())
        await proxy.silence()
        rejection = stream.watches[kinds.CLUSTER].rejection
        assert rejection is not None
        assert rejection.names == ("a",)
        change(mesh, server, kinds.CLUSTER, "b", b"bad")
        await proxy.ack(await proxy.next(), error="cluster b: bad")
        await proxy.silence()
        rejection = stream.watches[kinds.CLUSTER].rejection
        assert rejection is not None
        assert rejection.names == ("b", "a")
        change(mesh, server, kinds.CLUSTER, "b", b"good")
        await proxy.ack(await proxy.next())
        change(mesh, server, kinds.CLUSTER, "a", b"good")
        await proxy.ack(await proxy.next())
        await proxy.silence()
        assert stream.watches[kinds.CLUSTER].rejection is None

    run(mesh, scenario)


def test_reconnecting_proxy_with_right_versions_gets_nothing(mesh: PlainMesh) -> None:
    async def main() -> None:
        async with serving(mesh) as (_, port):
            async with ads(port) as proxy:
                first = await proxy.subscribe(kinds.CLUSTER)
                held = {resource.name: resource.version for resource in first.resources}
            async with ads(port) as again:
                await again.request(kinds.CLUSTER, versions=held)
                await again.silence()

    asyncio.run(main())


def test_reconnecting_proxy_gets_what_differs_and_loses_what_is_gone(mesh: PlainMesh) -> None:
    async def main() -> None:
        async with serving(mesh) as (_, port):
            async with ads(port) as proxy:
                first = await proxy.subscribe(kinds.CLUSTER)
                held = {resource.name: resource.version for resource in first.resources}
            async with ads(port) as again:
                await again.request(kinds.CLUSTER, versions={**held, "a": "old", "x": "1"})
                assert names_of(await again.next()) == ["a"]
                assert list((await again.next()).removed_resources) == ["x"]

    asyncio.run(main())


def test_reconnecting_proxy_keeps_a_cluster_until_it_has_its_new_routes(mesh: PlainMesh) -> None:
    async def main() -> None:
        async with serving(mesh) as (_, port):
            async with ads(port) as proxy:
                first = await proxy.subscribe(kinds.CLUSTER)
                held = {resource.name: resource.version for resource in first.resources}
            async with ads(port) as again:
                await again.request(kinds.CLUSTER, versions={**held, "gone": "1"})
                await again.request(kinds.ROUTE, "r", versions={"r": "to gone"})
                assert names_of(await again.next()) == ["r"]
                assert list((await again.next()).removed_resources) == ["gone"]

    asyncio.run(main())


def test_more_names_are_answered_with_those_names_alone(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.ENDPOINT, "a")
        response = await proxy.subscribe(kinds.ENDPOINT, "b")
        assert names_of(response) == ["b"]
        change(mesh, server, kinds.ENDPOINT, "a", b"new")
        assert names_of(await proxy.next()) == ["a"]

    run(mesh, scenario)


def test_names_given_up_are_not_sent_any_more(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.request(kinds.ENDPOINT, unsubscribe=("a",))
        await proxy.silence()
        change(mesh, server, kinds.ENDPOINT, "a", b"new")
        await proxy.silence()

    run(mesh, scenario)


def test_unknown_cluster_has_an_empty_assignment(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        response = await proxy.subscribe(kinds.ENDPOINT, "nowhere")
        assert response.resources[0].resource.value == b"\x0a\x07nowhere"

    run(mesh, scenario)


def test_routes_wait_until_new_clusters_have_their_endpoints(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.subscribe(kinds.ROUTE, "r")
        mesh.put(kinds.CLUSTER, "new", BY_EDS)
        change(mesh, server, kinds.ROUTE, "r", b"leads to new")
        clusters = await proxy.next()
        assert names_of(clusters) == ["new"]
        await proxy.ack(clusters)
        await proxy.request(kinds.ENDPOINT, "new")
        endpoints, routes = await proxy.next(), await proxy.next()
        assert (endpoints.type_url, names_of(endpoints)) == (kinds.ENDPOINT, ["new"])
        assert (routes.type_url, names_of(routes)) == (kinds.ROUTE, ["r"])

    run(mesh, scenario)


def test_routes_do_not_wait_for_a_cluster_that_was_rejected(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.subscribe(kinds.ROUTE, "r")
        mesh.put(kinds.CLUSTER, "new", BY_EDS)
        change(mesh, server, kinds.ROUTE, "r", b"leads to new")
        clusters = await proxy.next()
        await proxy.ack(clusters, error="no such thing")
        assert names_of(await proxy.next()) == ["r"]

    run(mesh, scenario)


def test_endpoints_of_a_cluster_that_goes_stay_until_the_cluster_is_removed(
    mesh: PlainMesh,
) -> None:
    """They serve requests until the proxy knows the routes that do without the cluster."""

    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.subscribe(kinds.ROUTE, "r")
        mesh.contents.discard((kinds.ENDPOINT, "b"))
        mesh.lists.put(kinds.CLUSTER, ("a",))
        change(mesh, server, kinds.ROUTE, "r", b"without b")
        routes, removal = await proxy.next(), await proxy.next()
        assert (routes.type_url, names_of(routes)) == (kinds.ROUTE, ["r"])
        assert list(removal.removed_resources) == ["b"]

    run(mesh, scenario)


def test_unknown_route_is_told_as_removed_and_sent_when_it_appears(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        response = await proxy.subscribe(kinds.ROUTE, "later")
        assert list(response.removed_resources) == ["later"]
        await proxy.silence()
        change(mesh, server, kinds.ROUTE, "later", b"here")
        assert names_of(await proxy.next()) == ["later"]

    run(mesh, scenario)


def test_resource_that_cannot_be_made_keeps_its_last_content(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.ENDPOINT, "a", "b")
        await proxy.silence()
        mesh.put(kinds.ENDPOINT, "a", b"raise")
        change(mesh, server, kinds.ENDPOINT, "b", b"new")
        assert names_of(await proxy.next()) == ["b"]
        assert len(server.failures()) == 1

    run(mesh, scenario)


def test_resource_that_never_could_be_made_is_not_told_as_absent(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        mesh.put(kinds.ENDPOINT, "a", b"raise")
        mesh.put(kinds.ROUTE, "r", b"raise")
        await proxy.request(kinds.ENDPOINT, "a")
        await proxy.request(kinds.ROUTE, "r")
        await proxy.silence()
        change(mesh, server, kinds.ENDPOINT, "a", b"good again")
        assert names_of(await proxy.next()) == ["a"]

    run(mesh, scenario)


def test_proxy_is_refused_rather_than_told_that_a_list_is_empty(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        mesh.lists.put(kinds.CLUSTER, ("raise",))
        await proxy.request(kinds.CLUSTER, versions={"a": "1"})
        with pytest.raises(EOFError, match="UNAVAILABLE: CDS cannot be generated"):
            await proxy.next()

    run(mesh, scenario)


def test_state_of_the_world_sends_all_clusters_for_one_change(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        first = await proxy.subscribe(kinds.CLUSTER)
        assert [r.value for r in first.resources] == [b"cluster a", b"cluster b"]
        await proxy.subscribe(kinds.LISTENER)
        change(mesh, server, kinds.CLUSTER, "b", b"new")
        second = await proxy.next()
        assert [r.value for r in second.resources] == [b"cluster a", b"new"]
        assert second.version_info != first.version_info

    run(mesh, scenario, delta=False)


def test_state_of_the_world_sends_a_removal_as_the_rest(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.subscribe(kinds.LISTENER)
        mesh.remove(kinds.CLUSTER, "a")
        server.changed()
        assert [r.value for r in (await proxy.next()).resources] == [b"cluster b"]

    run(mesh, scenario, delta=False)


def test_state_of_the_world_sends_names_that_were_added(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        first = await proxy.subscribe(kinds.ENDPOINT, "a")
        await proxy.request(kinds.ENDPOINT, "a", "b", nonce=first.nonce)
        assert [r.value for r in (await proxy.next()).resources] == [b"endpoints b"]

    run(mesh, scenario, delta=False)


def test_state_of_the_world_repeats_clusters_that_were_asked_for_by_name(mesh: PlainMesh) -> None:
    """What a response leaves out is deleted there; gRPC adds one name after the other."""

    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        first = await proxy.subscribe(kinds.CLUSTER, "a")
        assert [r.value for r in first.resources] == [b"cluster a"]
        await proxy.request(kinds.CLUSTER, "a", "b", nonce=first.nonce)
        assert [r.value for r in (await proxy.next()).resources] == [b"cluster a", b"cluster b"]

    run(mesh, scenario, delta=False)


def test_proxies_of_one_class_share_their_cells(mesh: PlainMesh) -> None:
    async def main() -> None:
        async with serving(mesh) as (server, port), ads(port) as one, ads(port) as two:
            await one.subscribe(kinds.CLUSTER)
            before = mesh.graph.evaluations
            await two.subscribe(kinds.CLUSTER)
            assert mesh.graph.evaluations == before
            change(mesh, server, kinds.CLUSTER, "a", b"new")
            first, second = await one.next(), await two.next()
            assert first.nonce == second.nonce
            assert mesh.graph.evaluations == before + 1

    asyncio.run(main())


def test_proxy_whose_class_changes_is_told_the_difference(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.subscribe(kinds.CLUSTER)
        await proxy.silence()
        mesh.classes.put("default", "narrow")
        server.changed()
        narrowed = await proxy.next()
        assert list(narrowed.removed_resources) == ["b"]
        await proxy.ack(narrowed)
        await proxy.silence()
        mesh.classes.discard("default")
        server.changed()
        assert names_of(await proxy.next()) == ["b"]

    run(mesh, scenario)


def test_stream_without_a_node_is_refused(mesh: PlainMesh) -> None:
    async def scenario(mesh: PlainMesh, server: DiscoveryServer, proxy: AdsClient) -> None:
        await proxy.request(kinds.CLUSTER)
        with pytest.raises(EOFError, match="INVALID_ARGUMENT"):
            await proxy.next()

    run(mesh, scenario, node_id="")


def test_proxy_that_is_not_admitted_gets_nothing_but_the_reason(mesh: PlainMesh) -> None:
    def admission(*_: object) -> None:
        raise CallRefused(Status.PERMISSION_DENIED, "not you: 100% sure")

    async def main() -> None:
        async with serving(mesh, admission=admission) as (_, port), ads(port) as proxy:
            await proxy.request(kinds.CLUSTER)
            with pytest.raises(EOFError, match="PERMISSION_DENIED: not you: 100% sure"):
                await proxy.next()

    asyncio.run(main())


def test_a_stream_that_has_ended_leaves_nothing_for_the_cycle_collector(mesh: PlainMesh) -> None:
    async def main() -> None:
        async with serving(mesh) as (server, port):
            async with ads(port) as proxy:
                await proxy.subscribe(kinds.CLUSTER)
                await proxy.subscribe(kinds.ENDPOINT, "a")
                (stream,) = server.connected()
                kept = weakref.ref(stream)
                del stream
                gc.disable()
            try:
                async with asyncio.timeout(10):
                    while kept() is not None:
                        await asyncio.sleep(0.01)
            finally:
                gc.enable()

    asyncio.run(main())
