"""What one change costs: cells evaluated, messages and bytes, counted in a mesh of 300 services."""

from typing import Any

import pytest

from lateen.xds import kinds
from tests.features.running_plane import RunningPlane, control_plane, run
from tests.unit.xds.ads_client import AdsClient, ads, names_of

SERVICES = 300


def service(number: int, last: int = 3) -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: svc-{number}, namespace: shop}}
spec:
  hosts: [svc-{number}.mesh.internal]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  endpoints: [{{address: 10.1.{number % 250}.1}}, {{address: 10.1.{number % 250}.{last}}}]
"""


def route(number: int, header: str = "first") -> str:
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: svc-{number}, namespace: shop}}
spec:
  hosts: [svc-{number}.mesh.internal]
  http:
  - match: [{{headers: {{x-canary: {{exact: {header}}}}}}}]
    route: [{{destination: {{host: svc-{number}.mesh.internal}}}}]
"""


MESH = "---".join([*map(service, range(SERVICES)), *map(route, range(SERVICES))])


async def complete(proxy: AdsClient) -> dict[str, Any]:
    """Subscribes to everything, as Envoy does."""
    clusters = await proxy.subscribe(kinds.CLUSTER)
    outbound = [name for name in names_of(clusters) if name.startswith("outbound|")]
    await proxy.subscribe(kinds.ENDPOINT, *outbound)
    await proxy.subscribe(kinds.LISTENER)
    routes = await proxy.subscribe(kinds.ROUTE, "80")
    await proxy.silence()
    return {"clusters": clusters, "routes": routes}


def evaluations(control: RunningPlane) -> int:
    return control.plane.mesh.graph.evaluations


@pytest.mark.parametrize("number", [0, SERVICES - 1])
def test_one_endpoint_is_one_resource_of_few_bytes(number: int) -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port) as proxy:
            await complete(proxy)
            before = evaluations(control)
            control.source.write(service(number, last=77))
            response = await proxy.next()
            assert response.type_url == kinds.ENDPOINT
            assert names_of(response) == [f"outbound|80||svc-{number}.mesh.internal"]
            assert response.ByteSize() < 1500
            assert evaluations(control) - before < 30
            await proxy.ack(response)
            await proxy.silence()

    run(main)


def test_one_virtual_service_is_one_route_table_and_few_evaluations() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port) as proxy:
            was = (await complete(proxy))["routes"]
            before = evaluations(control)
            control.source.write(route(150, header="second"))
            response = await proxy.next()
            assert (response.type_url, names_of(response)) == (kinds.ROUTE, ["80"])
            assert abs(response.ByteSize() - was.ByteSize()) < 10
            assert evaluations(control) - before < 30
            await proxy.ack(response)
            await proxy.silence()

    run(main)


def test_a_change_that_changes_nothing_sends_nothing() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port) as proxy:
            await complete(proxy)
            control.source.write(service(7).replace("name: svc-7,", "name: svc-7, labels: {a: b},"))
            await proxy.silence()

    run(main)


def test_a_new_service_is_one_cluster_and_a_route_table() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port) as proxy:
            await complete(proxy)
            control.source.write(service(SERVICES))
            clusters = await proxy.next()
            assert names_of(clusters) == [f"outbound|80||svc-{SERVICES}.mesh.internal"]
            await proxy.ack(clusters)
            await proxy.subscribe(kinds.ENDPOINT, *names_of(clusters))
            routes = await proxy.next()
            assert names_of(routes) == ["80"]
            await proxy.ack(routes)
            await proxy.silence()

    run(main)


def test_a_match_on_source_labels_costs_the_other_workloads_next_to_nothing() -> None:
    """Scopes become different by it; clusters, endpoints and other hosts' routes stay shared."""
    matching = route(7).replace("- match: [{", "- match: [{sourceLabels: {app: one}, ")

    async def main() -> None:
        async with (
            control_plane(MESH) as control,
            ads(control.port, labels={"app": "one"}) as one,
            ads(control.port, labels={"app": "two"}) as two,
        ):
            await complete(one)
            await complete(two)
            before = evaluations(control)
            control.source.write(matching)
            response = await two.next()
            assert (response.type_url, names_of(response)) == (kinds.ROUTE, ["80"])
            await two.ack(response)
            await two.silence()
            await one.silence()
            assert evaluations(control) - before < 4 * SERVICES
            control.source.write(matching.replace("first", "second"))
            response = await one.next()
            assert (response.type_url, names_of(response)) == (kinds.ROUTE, ["80"])
            assert b"second" in response.SerializeToString()
            await two.silence()

    run(main)
