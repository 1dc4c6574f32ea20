"""What configuration costs to generate, and how that grows with the mesh.

    python -m benchmarks.generation [SERVICES ...]        (default: 100 1000 2000)

For each size: everything that one proxy needs, for one that sees all and one that sees 20
services; then one change each, as evaluations of the incremental graph, resources that differ
afterwards and milliseconds of processor time (the least of REPEATS). Growth compares the largest
size with the one before; the budget is 2.3 for twice the services.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.figures import machine, print_table
from benchmarks.mesh_of_services import changes, mesh_of, route, service
from lateen.api.resource import Change
from lateen.base.incremental import Node
from lateen.translate import discovery
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.proxy_class import classify, proxy_from_node

SIZES = (100, 1000, 2000)
REPEATS = 5
GROWTH_BUDGET = 2.3


@dataclass(frozen=True)
class Cost:
    milliseconds: float
    evaluations: int
    resources: int

    def cells(self) -> tuple[str, ...]:
        return (f"{self.milliseconds:.2f}", str(self.evaluations), str(self.resources))


def measured(mesh: Mesh, work: Callable[[], int]) -> Cost:
    gc.collect()
    gc.disable()
    evaluations, begun = mesh.graph.evaluations, time.process_time()
    resources = work()
    spent = time.process_time() - begun
    gc.enable()
    return Cost(spent * 1000, mesh.graph.evaluations - evaluations, resources)


def proxy_class(mesh: Mesh, namespace: str) -> ProxyClass:
    node_id = f"sidecar~10.220.0.1~app-1.{namespace}~{namespace}.svc.cluster.local"
    metadata = {"NAMESPACE": namespace, "LABELS": {"app": "app", "version": "v1"}}
    return classify(mesh, proxy_from_node(node_id, metadata, mesh).proxy_class)


def nodes(mesh: Mesh, of: ProxyClass) -> Iterable[Node]:
    clusters = discovery.names(mesh, of, discovery.CLUSTER)
    listeners = discovery.names(mesh, of, discovery.LISTENER)
    wanted = (
        (discovery.CLUSTER, clusters),
        (discovery.ENDPOINT, [name for name in clusters if name.startswith("outbound|")]),
        (discovery.LISTENER, listeners),
        (discovery.ROUTE, ("80",)),
    )
    for type_url, names in wanted:
        yield discovery.names.node(mesh, of, type_url)
        yield from (discovery.cell(mesh, of, type_url, name) for name in names)


def complete(mesh: Mesh, of: ProxyClass) -> int:
    found = list(nodes(mesh, of))
    for node in found:
        node.read()
        mesh.graph.observe(node)
    return len(found)


def changed(mesh: Mesh, change: tuple[Change, ...]) -> int:
    mesh.apply(change)
    return len(mesh.graph.settle())


def least(costs: Iterable[Cost]) -> Cost:
    return min(costs, key=lambda cost: cost.milliseconds)


def costs(services: int) -> dict[str, Cost]:
    everything = mesh_of(services)
    mesh = Mesh()

    def apply() -> int:
        mesh.apply(everything)
        return len(everything)

    found = {"apply all resources": measured(mesh, apply)}
    for namespace in ("open", "scoped"):
        of = proxy_class(mesh, namespace)
        found[f"first proxy, {namespace}"] = measured(mesh, lambda of=of: complete(mesh, of))
    kinds: dict[str, Callable[[int], str]] = {
        "one endpoint": lambda turn: service(7, third=f"10.200.0.{turn + 1}"),
        "one VirtualService": lambda turn: route(7, header=f"turn-{turn}"),
        "one new service": lambda turn: service(5000 + turn),
    }
    for name, text in kinds.items():
        turns = [changes(text(turn)) for turn in range(REPEATS)]
        found[name] = least(
            [measured(mesh, lambda turn=turn: changed(mesh, turn)) for turn in turns]
        )
    return found


def main(sizes: tuple[int, ...]) -> None:
    print(machine())
    by_size = {size: costs(size) for size in sizes}
    for size, found in by_size.items():
        rows = [(name, *cost.cells()) for name, cost in found.items()]
        print_table(f"{size} services", ("", "CPU ms", "evaluated", "resources"), rows)
    if len(sizes) > 1:
        small, large = sizes[-2:]
        rows = [
            (name, f"{by_size[large][name].milliseconds / max(cost.milliseconds, 0.01):.2f}")
            for name, cost in by_size[small].items()
        ]
        title = f"{large} services against {small} (budget {GROWTH_BUDGET} for twice as many)"
        print_table(title, ("", "ratio"), rows)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
