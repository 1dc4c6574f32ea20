"""The admin interface of a running control plane, and the command that reads it."""

import argparse
import asyncio
import json

import pytest

from lateen.cli import proxy_status
from lateen.xds import kinds
from tests.features.running_plane import RunningPlane, control_plane, run, until
from tests.unit.xds.ads_client import ads

MESH = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews.mesh.internal]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 10.1.0.7}]
"""
RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec:
  host: reviews.mesh.internal
  subsets: [{name: v1, labels: {version: v1}}]
"""
NODE = "sidecar~10.9.8.7~front-1.shop~shop.svc.cluster.local"
SUBSET = "outbound|80|v1|reviews.mesh.internal"


async def status(control: RunningPlane, *words: str) -> int:
    """Runs `lateen proxy-status` in a thread, against the running plane."""
    parser = argparse.ArgumentParser()
    proxy_status.add_parser(parser.add_subparsers())
    address = f"127.0.0.1:{control.admin_port}"
    arguments = parser.parse_args(
        [
            *("proxy-status", "--admin-address", address),
            *("--admin-token", str(control.admin_token), *words),
        ]
    )
    return await asyncio.to_thread(proxy_status.run, arguments)


def test_ready_and_metrics_are_served() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port, node_id=NODE) as proxy:
            await proxy.subscribe(kinds.CLUSTER)
            assert await control.page("/ready") == (200, "ready\n")
            code, metrics = await control.page("/metrics")
            assert code == 200
            assert "pilot_xds 1\n" in metrics
            assert 'pilot_xds_pushes{type="cds"} 1\n' in metrics
            assert (await control.page("/nowhere"))[0] == 404

    run(main)


def test_config_dump_shows_what_the_proxy_was_told() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port, node_id=NODE) as proxy:
            await proxy.subscribe(kinds.CLUSTER)
            code, text = await control.page("/debug/config_dump?proxyID=app.default")
            assert code == 404
            code, text = await control.page("/debug/config_dump?proxyID=front-1.default")
            assert code == 200
            (clusters,) = json.loads(text)["configs"]
            names = [item["cluster"]["name"] for item in clusters["dynamic_active_clusters"]]
            assert "outbound|80||reviews.mesh.internal" in names

    run(main)


def test_registry_lists_the_services() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control:
            services = json.loads((await control.page("/debug/registryz"))[1])
            assert [service["hostname"] for service in services] == ["reviews.mesh.internal"]

    run(main)


def test_proxy_status_goes_from_stale_to_synced(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port, node_id=NODE) as proxy:
            await proxy.request(kinds.CLUSTER)
            response = await proxy.next()
            assert await status(control) == 0
            heading, line = capsys.readouterr().out.splitlines()[:2]
            assert tuple(heading.split()) == proxy_status.HEADING
            assert line.split()[:3] == ["front-1.default", "Kubernetes", "STALE"]
            assert line.split()[3:5] == ["NOT", "SENT"]
            await proxy.ack(response)
            await proxy.silence()
            assert await status(control) == 0
            assert capsys.readouterr().out.splitlines()[1].split()[2] == "SYNCED"

    run(main)


def test_proxy_status_shows_reason_and_source_of_a_rejection(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, ads(control.port, node_id=NODE) as proxy:
            await proxy.subscribe(kinds.CLUSTER)
            await proxy.silence()
            control.source.write(RULE)
            response = await proxy.next()
            await proxy.ack(response, error=f"Error adding cluster(s) {SUBSET}: bad subset")

            async def seen() -> bool:
                return await status(control) == 1

            await until(seen, "the rejection is shown")
            out = capsys.readouterr().out
            assert f"front-1.default rejected CDS {SUBSET}: Error adding cluster(s)" in out
            assert "made from DestinationRule shop/reviews (test.yaml:2)" in out
            assert await status(control, "-o", "json") == 1
            found = json.loads(capsys.readouterr().out)
            assert found[0]["types"]["CDS"]["state"] == "ERROR"

    run(main)


def test_problem_is_printed_once_and_then_that_it_is_fixed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def main() -> None:
        broken = MESH.replace("resolution: STATIC", "resolution: SOMEHOW")
        async with control_plane(MESH) as control:
            control.source.write(broken)

            async def printed() -> bool:
                return "test.yaml:7" in capsys.readouterr().err

            await until(printed, "the problem is printed with its place")
            control.source.write(MESH)

            async def fixed() -> bool:
                return "fixed: ServiceEntry shop/reviews" in capsys.readouterr().err

            await until(fixed, "that it is fixed is printed")

    run(main)


ROUTE = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME, namespace: shop}
spec:
  hosts: [reviews.mesh.internal]
  http: [{route: [{destination: {host: reviews.mesh.internal}}]}]
"""


def test_a_conflict_is_told_with_both_places_and_the_winner(
    capfd: pytest.CaptureFixture[str],
) -> None:
    first, second = ROUTE.replace("NAME", "first"), ROUTE.replace("NAME", "second")

    async def main() -> None:
        async with control_plane(MESH) as control:
            control.source.write(first + second)
            text = "reviews.mesh.internal has the routes of VirtualService shop/first (test.yaml:2)"

            async def is_told() -> bool:
                return text in (await control.page("/debug/push_status"))[1]

            await until(is_told, "push_status names the conflict")
            control.source.delete(first)

            async def is_gone() -> bool:
                return text not in (await control.page("/debug/push_status"))[1]

            await until(is_gone, "the conflict has gone with the first")

    run(main)
    said = capfd.readouterr().err
    assert "warning: test.yaml:9 spec.hosts[0]: reviews.mesh.internal has the routes of" in said
    assert "fixed: VirtualService shop/second: reviews.mesh.internal has the routes of" in said
