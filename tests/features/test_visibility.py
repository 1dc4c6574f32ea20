"""What a proven proxy cannot see, it cannot ask for either: by name, by another id, from caches."""

import re
from typing import Any

import grpc
import pytest

from lateen.identity.labels import WorkloadLabels
from lateen.xds import kinds
from tests.features.proofs import channel, token
from tests.features.running_plane import RunningPlane, control_plane, run
from tests.features.test_secure_port import stream
from tests.unit.xds.ads_client import AdsClient, names_of

ENTRY = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ledger, namespace: bank}
spec:
  hosts: [ledger.bank.internal]
  exportTo: [%s]
  addresses: [240.1.1.1]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 9000, name: tcp, protocol: TCP}]
  endpoints: [{address: 10.66.66.66}]
"""
HIDDEN = ENTRY % '"."'
SCOPED = (
    ENTRY % '"*"'
    + """
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default, namespace: shop}
spec: {egress: [{hosts: ["./*"]}]}
"""
)
CLUSTER = "outbound|80||ledger.bank.internal"
ADDRESS = b"10.66.66.66"
HOST = b"ledger"
REFUSAL = re.compile("PERMISSION_DENIED|INVALID_ARGUMENT")


async def told(opened: grpc.aio.Channel, bearer: Any, namespace: str, type_url: str) -> bytes:
    """Everything that a proxy gets for a type, asking for the hidden by every name it has."""
    node = f"sidecar~10.9.8.7~front-1.{namespace}~{namespace}.svc.cluster.local"
    proxy = stream(opened, namespace=namespace, metadata=bearer, node=node)
    names = {
        kinds.CLUSTER: (CLUSTER, "*"),
        kinds.ENDPOINT: (CLUSTER, "outbound|9000||ledger.bank.internal"),
        kinds.LISTENER: ("240.1.1.1_9000", "0.0.0.0_80", "*"),
        kinds.ROUTE: ("80", "ledger.bank.internal:80"),
    }[type_url]
    answer = await proxy.subscribe(type_url, *names)
    return b"".join(found.resource.value for found in answer.resources)


TYPES = (kinds.CLUSTER, kinds.ENDPOINT, kinds.LISTENER, kinds.ROUTE)


@pytest.mark.parametrize("text", [HIDDEN, SCOPED], ids=["exportTo", "Sidecar"])
def test_what_is_hidden_is_not_given_by_name_even_after_another_was_given_it(text: str) -> None:
    async def main() -> None:
        async with control_plane(text, secure=True) as control, channel(control) as opened:
            for type_url in TYPES:
                own = await told(opened, bearer_of(control, "bank"), "bank", type_url)
                assert HOST in own or ADDRESS in own  # it is there, and in the caches now
                foreign = await told(opened, bearer_of(control, "shop"), "shop", type_url)
                assert ADDRESS not in foreign
                if type_url != kinds.ENDPOINT:  # where an empty answer repeats the name
                    assert HOST not in foreign

    run(main)


async def answered(proxy: AdsClient) -> bytes:
    """What comes; nothing when the stream is refused."""
    try:
        return bytes((await proxy.next()).SerializeToString())
    except EOFError as refusal:
        return b"" if REFUSAL.match(str(refusal)) else ADDRESS


def bearer_of(control: RunningPlane, namespace: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token(control, namespace)}"),)


@pytest.mark.parametrize(
    "node",
    [
        "sidecar~10.9.8.7~ledger-1.bank~bank.svc.cluster.local",
        "router~10.9.8.7~edge-1.bank~bank.svc.cluster.local",
        "waypoint~10.9.8.7~w-1.bank~bank.svc.cluster.local",
        "sidecar~10.9.8.7~../../x.bank~bank.svc.cluster.local",
        "sidecar~10.9.8.7~a\nb.bank~bank.svc.cluster.local",
        "sidecar~10.9.8.7~a\x00.bank~bank.svc.cluster.local",
        "nonsense",
        "~~~",
    ],
)
def test_no_node_id_gives_the_view_of_another_namespace(node: str) -> None:
    async def main() -> None:
        async with control_plane(HIDDEN, secure=True) as control, channel(control) as opened:
            for claimed in ("bank", "shop", ""):
                proxy = stream(
                    opened, namespace=claimed, metadata=bearer_of(control, "shop"), node=node
                )
                await proxy.request(kinds.ENDPOINT, CLUSTER)
                assert ADDRESS not in await answered(proxy)

    run(main)


def test_labels_of_another_workload_are_refused() -> None:
    labels = WorkloadLabels(workload="front", app="front")

    async def main() -> None:
        async with control_plane(HIDDEN, secure=True) as control, channel(control) as opened:
            bearer = (("authorization", f"Bearer {token(control, labels=labels)}"),)
            honest = stream(opened, namespace="shop", metadata=bearer, app="front")
            assert names_of(await honest.subscribe(kinds.CLUSTER))
            liar = stream(opened, namespace="shop", metadata=bearer, app="ledger")
            await liar.request(kinds.CLUSTER)
            with pytest.raises(EOFError, match=r"PERMISSION_DENIED: .*app='ledger'"):
                await liar.next()

    run(main)
