"""One object of very many changes, of every kind: cells evaluated, messages and bytes sent.

A mesh of 1,000 services, each with its VirtualService and DestinationRule, and three proxies: the
sidecar of `front`, that of `other`, and a gateway. Each change is told to those that it concerns,
as the resources that differ, and costs a handful of evaluations whatever the size of the mesh.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from lateen.config import documents
from lateen.xds import kinds
from tests.features.running_plane import RunningPlane, control_plane, run, until
from tests.unit.xds.ads_client import MARKER, AdsClient, ads, names_of

SERVICES = 1000
EDGE = "router~10.9.8.7~edge-1.shop~shop.svc.cluster.local"
NETWORKING, SECURITY = "networking.istio.io/v1", "security.istio.io/v1"


def document(kind: str, name: str, spec: str, api: str = NETWORKING) -> str:
    meta = f"metadata: {{name: {name}, namespace: shop}}"
    return f"---\napiVersion: {api}\nkind: {kind}\n{meta}\nspec: {{{spec}}}\n"


def host(number: int) -> str:
    return f"svc-{number}.mesh.internal"


def service(number: int, last: int = 2) -> str:
    address = f"10.{1 + number // 250}.{number % 250}"
    return document(
        "ServiceEntry", f"svc-{number}",
        f"hosts: [{host(number)}], location: MESH_INTERNAL, resolution: STATIC, "
        "ports: [{number: 80, name: http, protocol: HTTP}], "
        f"endpoints: [{{address: {address}.1}}, {{address: {address}.{last}}}]",
    )  # fmt: skip


def route(number: int, header: str = "first", gateways: str = "mesh, edge") -> str:
    return document(
        "VirtualService", f"svc-{number}",
        f"hosts: [{host(number)}], gateways: [{gateways}], http: "
        f"[{{match: [{{headers: {{x-canary: {{exact: {header}}}}}}}], "
        f"route: [{{destination: {{host: {host(number)}}}}}]}}]",
    )  # fmt: skip


def rule(number: int, most: int = 100) -> str:
    return document(
        "DestinationRule", f"svc-{number}",
        f"host: {host(number)}, "
        f"trafficPolicy: {{connectionPool: {{tcp: {{maxConnections: {most}}}}}}}",
    )  # fmt: skip


def gateway(*hosts: str, port: int = 80) -> str:
    server = (
        f"{{port: {{number: {port}, name: http, protocol: HTTP}}, hosts: [{', '.join(hosts)}]}}"
    )
    return document("Gateway", "edge", f"selector: {{istio: edge}}, servers: [{server}]")


EVERY = range(SERVICES)
NEW = f"outbound|80||{host(SERVICES)}"
MESH = "".join((*map(service, EVERY), *map(rule, EVERY), gateway(host(7), host(8))))
MESH += "".join(route(number, gateways="mesh, edge" if number < 9 else "mesh") for number in EVERY)
FRONT_ONLY = "selector: {matchLabels: {app: front}}"


@dataclass(frozen=True)
class Told:
    """What one proxy was sent for a change."""

    resources: tuple[tuple[str, str], ...]  # type and name, in order
    messages: int
    size: int  # bytes


@dataclass(frozen=True)
class Expected:
    change: str
    front: tuple[str, ...] = ()  # `TYPE name` of each resource
    other: tuple[str, ...] = ()
    edge: tuple[str, ...] = ()
    removals: int = 0  # messages that only tell what is gone
    evaluations: int = 60
    size: int = 4000  # bytes, to any proxy, but for route tables


@dataclass
class Watching:
    """A proxy that has subscribed to everything, as Envoy does."""

    client: AdsClient
    routes: str
    table: int = 0  # bytes of its route table
    clusters: set[str] = field(default_factory=set)  # of which it has the endpoints

    async def subscribe(self) -> None:
        clusters = await self.client.subscribe(kinds.CLUSTER)
        self.clusters = {name for name in names_of(clusters) if name.startswith("outbound|")}
        await self.client.subscribe(kinds.ENDPOINT, *sorted(self.clusters))
        await self.client.subscribe(kinds.LISTENER)
        self.table = (await self.client.subscribe(kinds.ROUTE, self.routes)).ByteSize()
        await self.client.silence()

    async def told(self) -> Told:
        """All that is on its way, acknowledged: the answer to a marker comes last."""
        await self.client.request(MARKER, "marker")
        found: list[tuple[str, str]] = []
        messages = size = 0
        while True:
            response = await self.client.next()
            names = names_of(response)
            if names or "marker" not in response.removed_resources:
                found += [(kinds.short(response.type_url), name) for name in names]
                messages += 1
                size += response.ByteSize()
            if "marker" in response.removed_resources:
                await self.client.ack(response, unsubscribe=("marker",))
                return Told(tuple(found), messages, size)
            await self.client.ack(response)
            new = [name for name in names if name not in self.clusters]
            if response.type_url == kinds.CLUSTER and new:
                self.clusters.update(new)
                await self.client.request(kinds.ENDPOINT, *new)


async def apply(control: RunningPlane, text: str) -> None:
    (resource,) = documents.read(text).resources
    control.source.write(text)

    async def is_applied() -> bool:
        return control.plane.mesh.resource(resource.key) == resource

    await until(is_applied, f"{resource.key} is in the mesh")
    await asyncio.sleep(0)


CHANGES = {
    "a VirtualService of 1,000": Expected(
        route(500, "second", "mesh"), front=("RDS 80",), other=("RDS 80",)
    ),
    "a VirtualService of a gateway too": Expected(
        route(7, "second"), front=("RDS 80",), other=("RDS 80",), edge=("RDS http.80",)
    ),
    "a DestinationRule": Expected(
        rule(500, 50),
        front=(f"CDS outbound|80||{host(500)}", f"EDS outbound|80||{host(500)}"),
        other=(f"CDS outbound|80||{host(500)}", f"EDS outbound|80||{host(500)}"),
        edge=(f"CDS outbound|80||{host(500)}", f"EDS outbound|80||{host(500)}"),
    ),
    "an endpoint": Expected(
        service(500, 77),
        front=(f"EDS outbound|80||{host(500)}",),
        other=(f"EDS outbound|80||{host(500)}",),
        edge=(f"EDS outbound|80||{host(500)}",),
    ),
    "a new ServiceEntry": Expected(
        service(SERVICES),
        front=(f"CDS {NEW}", f"EDS {NEW}", "RDS 80"),
        other=(f"CDS {NEW}", f"EDS {NEW}", "RDS 80"),
        edge=(f"CDS {NEW}", f"EDS {NEW}"),
    ),
    "a PeerAuthentication of one workload": Expected(
        document("PeerAuthentication", "front", f"{FRONT_ONLY}, mtls: {{mode: STRICT}}", SECURITY),
        front=("LDS virtualInbound",),
        size=20_000,
    ),
    "an AuthorizationPolicy of one workload": Expected(
        document(
            "AuthorizationPolicy", "front",
            f"{FRONT_ONLY}, action: DENY, rules: [{{to: [{{operation: {{paths: [/x]}}}}]}}]",
            SECURITY,
        ),
        front=("LDS virtualInbound",),
        size=20_000,
    ),
    "a Gateway's hosts": Expected(gateway(host(7)), edge=("RDS http.80",)),
    "a Sidecar of one workload": Expected(
        document(
            "Sidecar", "front",
            f"workloadSelector: {{labels: {{app: front}}}}, egress: [{{hosts: [shop/{host(7)}]}}]",
        ),
        front=("RDS 80",),
        removals=1,
        evaluations=4 * SERVICES,  # each cluster that it held is looked for in its new scope
    ),
}  # fmt: skip


def test_one_change_costs_what_it_concerns() -> None:
    wrong: list[str] = []

    async def main() -> None:
        async with (
            control_plane(MESH) as control,
            ads(control.port, namespace="shop", labels={"app": "front"}) as front,
            ads(control.port, namespace="shop", labels={"app": "other"}) as other,
            ads(control.port, namespace="shop", labels={"istio": "edge"}, node_id=EDGE) as edge,
        ):
            watching = {
                "front": Watching(front, "80"),
                "other": Watching(other, "80"),
                "edge": Watching(edge, "http.80"),
            }
            for each in watching.values():
                await each.subscribe()
            graph = control.plane.mesh.graph
            for name, expected in CHANGES.items():
                before = graph.evaluations
                await apply(control, expected.change)
                told = {who: await each.told() for who, each in watching.items()}
                spent = graph.evaluations - before
                wrong.extend(differences(name, expected, spent, watching, told))

    run(main)
    assert not wrong, "\n".join(wrong)


def differences(
    name: str,
    expected: Expected,
    spent: int,
    watching: dict[str, Watching],
    told: dict[str, Told],
) -> Iterable[str]:
    if spent > expected.evaluations:
        yield f"{name}: {spent} evaluations, at most {expected.evaluations} expected"
    for who, found in told.items():
        resources = tuple(" ".join(each) for each in found.resources)
        if resources != getattr(expected, who):
            yield f"{name}: {who} was sent {resources[:5]}, not {getattr(expected, who)}"
        if found.messages > len(getattr(expected, who)) + expected.removals:
            yield f"{name}: {who} was sent {found.messages} messages"
        tables = sum(watching[who].table for kind, _ in found.resources if kind == "RDS")
        if found.size > expected.size + tables * 1.1:
            yield f"{name}: {who} was sent {found.size} bytes"
