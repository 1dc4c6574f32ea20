"""`lateen conditions`, asked of a running control plane."""

import argparse
import asyncio

import pytest

from lateen.cli import conditions
from tests.features.running_plane import RunningPlane, control_plane, run

MESH = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: edge}]
  listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: infra}
spec: {ports: [{name: http, port: 80}], externalIPs: [192.0.2.1]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""


async def asked(control: RunningPlane, *words: str) -> int:
    parser = argparse.ArgumentParser()
    conditions.add_parser(parser.add_subparsers())
    address = f"127.0.0.1:{control.admin_port}"
    arguments = parser.parse_args(
        [
            *("conditions", "--admin-address", address),
            *("--admin-token", str(control.admin_token), *words),
        ]
    )
    return await asyncio.to_thread(conditions.run, arguments)


def test_what_holds_and_why_the_rest_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with control_plane(MESH) as control:
            assert await asked(control) == 1

    run(main)

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["Gateway", "infra", "edge", "yes", "yes", "yes", "192.0.2.1"]
    assert lines[2].split() == ["HTTPRoute", "shop", "web", "yes", "-", "NO", "-"]
    assert lines[4].startswith("HTTPRoute shop/web, Gateway edge: BackendNotFound: backend(web.")


def test_one_kind_of_one_namespace(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with control_plane(MESH) as control:
            assert await asked(control, "gateway", "-n", "infra") == 0

    run(main)

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["KIND", "Gateway"]
