"""What discovery costs when every workload is a class of its own, as in a mesh without Sidecars.

    python -m benchmarks.scopes [CLASSES ...]        (default: 10 100 300)

1,000 services; each proxy has labels of its own and sees everything. Prints memory and processor
time to connect them, and what one change of each kind costs until it is handed to all calls. The
sockets are left out: `send` only counts.
"""

import gc
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.figures import machine, print_table
from benchmarks.mesh_of_services import changes, mesh_of, route, service
from lateen.api.resource import Change
from lateen.base.clock import system_clock
from lateen.base.metrics import Registry
from lateen.control import memory
from lateen.envoy import schema
from lateen.view.mesh import Mesh
from lateen.xds import kinds
from lateen.xds.mesh_catalogue import MeshCatalogue
from lateen.xds.responses import Response
from lateen.xds.server import SERVICE, DiscoveryServer
from lateen.xds.transport.service import Streaming

SERVICES = 1000
SIZES = (10, 100, 300)
PAGE_BYTES = 4096
REQUEST = schema.message("envoy.service.discovery.v3.DeltaDiscoveryRequest")
SOURCE_LABELS = route(7).replace("- match: [{", "- match: [{sourceLabels: {app: app-3}, ")


class CountingCall:
    """A call whose client is always ready."""

    secure = writable = True
    peer, certificate, id = "benchmark", None, 0

    def __init__(self) -> None:
        self.last: Response | None = None

    def send(self, response: Response) -> None:
        self.last = response


class Proxy:
    """Asks for everything, as Envoy does, and acknowledges what comes."""

    def __init__(self, server: DiscoveryServer, number: int) -> None:
        self.call = CountingCall()
        method = server.methods()[SERVICE + "DeltaAggregatedResources"]
        assert isinstance(method, Streaming)
        self.stream: Any = method.opened(self.call)  # type: ignore[arg-type]
        self._number = number
        clusters = self._subscribe(kinds.CLUSTER)
        self._subscribe(kinds.ENDPOINT, [name for name in clusters if name.startswith("outbound|")])
        self._subscribe(kinds.LISTENER)
        self._subscribe(kinds.ROUTE, ["80"])
        self.call.last = None

    def acknowledge(self) -> None:
        for type_url, watch in self.stream.watches.items():
            while watch.outstanding:
                self._send(type_url, nonce=watch.outstanding[-1].nonce)

    def _subscribe(self, type_url: str, names: Iterable[str] = ()) -> tuple[str, ...]:
        self._send(type_url, names=names)
        assert self.call.last is not None
        sent = self.call.last.sent
        self._send(type_url, nonce=sent.nonce)
        return sent.names

    def _send(self, type_url: str, *, names: Iterable[str] = (), nonce: str = "") -> None:
        request = REQUEST(type_url=type_url, response_nonce=nonce)
        request.resource_names_subscribe.extend(names)
        if self.stream.proxy is None:
            number = self._number
            address = f"10.220.{number // 250}.{number % 250}"
            request.node.id = f"sidecar~{address}~app-{number}.open~open.svc.cluster.local"
            request.node.metadata.update({"NAMESPACE": "open", "LABELS": {"app": f"app-{number}"}})
        self.stream.on_message(request.SerializeToString())


def resident_megabytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES >> 20


def pushed(mesh: Mesh, server: DiscoveryServer, change: tuple[Change, ...]) -> float:
    begun = time.process_time()
    mesh.apply(change)
    server.push()
    return (time.process_time() - begun) * 1000


def cost(classes: int) -> tuple[str, ...]:
    mesh = Mesh()
    mesh.apply(mesh_of(SERVICES))
    server = DiscoveryServer(
        MeshCatalogue(mesh), clock=system_clock, metrics=Registry(), admission=lambda *_: ""
    )
    server.without_timers()
    before, begun = resident_megabytes(), time.process_time()
    proxies = [Proxy(server, number) for number in range(classes)]
    figures = [f"{(time.process_time() - begun) * 1000 / classes:.1f}"]
    figures.append(str(resident_megabytes() - before))
    turns = (service(7, third="10.200.0.1"), route(7, header="second"), service(5000))
    for text in (*turns, SOURCE_LABELS):
        figures.append(f"{pushed(mesh, server, changes(text)):.1f}")
        for proxy in proxies:
            proxy.acknowledge()
    gc.collect()
    return (str(classes), *figures)


def main(sizes: tuple[int, ...]) -> None:
    print(machine())
    memory.relax_while_loading()
    header = (
        "classes", "connect CPU ms each", "MB in all", "endpoint CPU ms", "VirtualService",
        "new service", "first sourceLabels",
    )  # fmt: skip
    print_table(f"{SERVICES} services", header, [cost(size) for size in sizes])


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
