"""Workloads that register themselves, over real streams with real certificates."""

from typing import Any

import grpc
import pytest

from lateen.api.resource import Key
from lateen.api.workload_entry import WorkloadEntry
from lateen.control.registration import Registration
from lateen.xds import kinds
from lateen.xds.server import SERVICE
from tests.features.proofs import certificate, channel, token
from tests.features.running_plane import RunningPlane, control_plane, run, until
from tests.unit.xds.ads_client import AdsClient

MESH = """
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: vms, namespace: shop}
spec:
  metadata: {labels: {app: vm, tier: group}, annotations: {note: kept}}
  template:
    address: 1.1.1.1
    serviceAccount: front
    ports: {http: 8080}
    labels: {tier: template, os: linux}
    network: office
    locality: near/a
    weight: 3
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: others, namespace: shop}
spec: {template: {serviceAccount: other}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: {name: probed, namespace: shop}
spec: {template: {serviceAccount: front}, probe: {httpGet: {path: /, port: 8080}}}
"""
NODE = "sidecar~10.9.8.7~front-1.shop~shop.svc.cluster.local"
HEALTH = "type.googleapis.com/istio.v1.HealthInformation"


async def registering(
    control: RunningPlane, opened: grpc.aio.Channel, group: str, **metadata: str
) -> AdsClient:
    call = opened.stream_stream(SERVICE + "DeltaAggregatedResources")()
    said = {"AUTO_REGISTER_GROUP": group, **metadata}
    proxy = AdsClient(
        call, delta=True, node_id=NODE, namespace="shop", labels={"zone": "a"}, metadata=said
    )
    await proxy.request(kinds.CLUSTER)
    return proxy


def entry(control: RunningPlane, name: str) -> Any:
    return control.plane.mesh.resource(Key("WorkloadEntry", "shop", name))


async def shown(control: RunningPlane, name: str) -> Any:
    async def there() -> bool:
        return entry(control, name) is not None

    await until(there, f"WorkloadEntry {name}")
    return entry(control, name)


def with_channel(act: Any) -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            key, chain = await certificate(control, token(control))
            whole = "".join(chain[:-1]).encode()
            async with channel(control, key=key, chain=whole) as opened:
                await act(control, opened)

    run(main)


def test_a_proxy_of_a_group_is_a_workload_entry_from_template_group_and_node() -> None:
    async def act(control: RunningPlane, opened: grpc.aio.Channel) -> None:
        await registering(control, opened, "vms", NETWORK="dmz")
        made = await shown(control, "vms-10.9.8.7-dmz")

        spec: WorkloadEntry = made.spec
        assert (spec.address, spec.network, spec.service_account) == ("10.9.8.7", "dmz", "front")
        assert (spec.ports, spec.locality, spec.weight) == ({"http": 8080}, "near/a", 3)
        assert made.meta.labels == {"app": "vm", "tier": "group", "os": "linux", "zone": "a"}
        assert made.meta.annotations["note"] == "kept"
        assert made.meta.annotations["istio.io/autoRegistrationGroup"] == "vms"

    with_channel(act)


@pytest.mark.parametrize(
    ("group", "reason"),
    [("others", "PERMISSION_DENIED: .*sa/other"), ("none", "NOT_FOUND: .*shop/none")],
)
def test_a_group_of_another_account_or_none_is_refused(group: str, reason: str) -> None:
    async def act(control: RunningPlane, opened: grpc.aio.Channel) -> None:
        proxy = await registering(control, opened, group)
        with pytest.raises(EOFError, match=reason):
            await proxy.next()

    with_channel(act)


def test_with_a_probe_the_entry_takes_traffic_once_the_proxy_says_it_is_well() -> None:
    async def act(control: RunningPlane, opened: grpc.aio.Channel) -> None:
        proxy = await registering(control, opened, "probed")
        made = await shown(control, "probed-10.9.8.7")
        assert made.meta.annotations["proxy.istio.io/health-checks-enabled"] == "true"
        assert made.status is None

        async def says(status: str, error: str) -> None:
            await proxy.request(HEALTH, error=error)

            async def told() -> bool:
                found = entry(control, "probed-10.9.8.7").status
                return found is not None and found["conditions"][0]["status"] == status

            await until(told, f"Healthy is {status}")

        await says("True", "")
        await says("False", "connection refused")
        message = entry(control, "probed-10.9.8.7").status["conditions"][0]["message"]
        assert message == "connection refused"

    with_channel(act)


def test_a_reconnection_changes_nothing_and_a_departure_removes_the_entry() -> None:
    async def act(control: RunningPlane, opened: grpc.aio.Channel) -> None:
        registration = control.plane.server.presence
        assert isinstance(registration, Registration)
        registration.grace_seconds = 0.5
        first = await registering(control, opened, "vms")
        made = await shown(control, "vms-10.9.8.7")
        first.cancel()
        second = await registering(control, opened, "vms")
        await second.next()
        assert entry(control, "vms-10.9.8.7") == made

        second.cancel()

        async def gone() -> bool:
            return entry(control, "vms-10.9.8.7") is None

        await until(gone, "the entry is removed")

    with_channel(act)
