"""A real Envoy over a real ADS stream: what it accepts, what it rejects, how it comes back."""

import pytest

from lateen.xds import kinds
from lateen.xds.transport.listener import Address
from tests.features.running_plane import control_plane, envoy, run, until
from tests.unit.xds.plain_mesh import PlainMesh
from tests.unit.xds.serving import serving

pytestmark = pytest.mark.envoy

# Without mutual TLS: its certificates come from an agent, and there is none beside this Envoy.
MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.mesh.internal]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.1.0.7, labels: {version: v1}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ledger, namespace: shop}
spec:
  hosts: [ledger.mesh.internal]
  location: MESH_INTERNAL
  resolution: STATIC
  addresses: [240.1.2.3]
  ports: [{number: 7000, name: tcp, protocol: TCP}]
  endpoints: [{address: 10.1.0.8}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: DISABLE}}
"""
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.mesh.internal]
  http:
  - match: [{headers: {x-canary: {exact: "%s"}}}]
    route: [{destination: {host: reviews.mesh.internal}}]
"""


def test_envoy_accepts_everything_and_follows_changes() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.has("listener_manager.lds.update_success", 1)
            await proxy.shows("reviews.mesh.internal")
            control.source.write(ROUTE % "first-value")
            await proxy.shows("first-value")
            control.source.write(ROUTE % "second-value")
            await proxy.shows("second-value")
            assert await proxy.statistic("listener_manager.lds.update_rejected") == 0
            assert await proxy.statistic("cluster_manager.cds.update_rejected") == 0
            assert await proxy.statistic("server.state") == 0

    run(main)


def test_envoy_is_told_of_a_service_that_comes_and_goes() -> None:
    new = MESH.split("---")[0].replace("reviews", "details")

    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.shows("reviews.mesh.internal")
            control.source.write(new)
            await proxy.shows("outbound|80||details.mesh.internal")
            control.source.delete(new)

            async def gone() -> bool:
                return "details.mesh.internal" not in await proxy.dump()

            await until(gone, "the deleted service is gone from Envoy")
            assert await proxy.statistic("cluster_manager.cds.update_rejected") == 0

    run(main)


def test_envoy_keeps_its_configuration_over_a_restart_and_is_told_nothing_again() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control:
            address = Address("127.0.0.1", control.port)
            proxy_of_both = envoy(control.port)
            proxy = await proxy_of_both.__aenter__()
            await proxy.has("listener_manager.lds.update_success", 1)
            await proxy.shows("reviews.mesh.internal")
        try:
            async with control_plane(MESH, xds=address) as again:

                async def connected() -> bool:
                    _, synced = await again.page("/debug/syncz")
                    return '"front-1.shop"' in synced

                await until(connected, "Envoy is connected again")
                again.source.write(ROUTE % "after-restart")
                await proxy.shows("after-restart")
                _, metrics = await again.page("/metrics")
                assert 'pilot_xds_pushes{type="rds"} 1' in metrics
                assert 'pilot_xds_pushes{type="cds"}' not in metrics.replace("} 0", "")
        finally:
            await proxy_of_both.__aexit__(None, None, None)

    run(main)


def test_rejection_by_envoy_names_resource_and_reason() -> None:
    mesh = PlainMesh()
    mesh.put(kinds.CLUSTER, "good", b"\x0a\x04good\x10\x00")

    async def main() -> None:
        async with serving(mesh) as (server, port), envoy(port) as proxy:
            await proxy.has("cluster_manager.cds.update_success", 1)
            mesh.put(kinds.CLUSTER, "broken", b"\x0a\x06broken\x10\x02")  # LOGICAL_DNS of nothing
            server.changed()

            async def rejected() -> bool:
                streams = list(server.connected())
                return any(s.watches[kinds.CLUSTER].rejection is not None for s in streams)

            await until(rejected, "Envoy rejects the cluster")
            (stream,) = server.connected()
            rejection = stream.watches[kinds.CLUSTER].rejection
            assert rejection is not None
            assert rejection.names == ("broken",)
            assert rejection.sources == ("source of broken",)
            assert "must have a single host" in rejection.text

    run(main)
