"""What one proxy's configuration costs at the sizes of Istio's own generation benchmark.

    python -m benchmarks.generation_templates [--repeats 3] [SHAPE ...]     (default: all)

For each shape of the list (`extra/benchmarks.json` of the conformance corpus; see `templates` for
where a shape is from) and each type of resource: how many and how many bytes one message carries,
and processor time to make it.

    cold     the first time, nothing known but the resources
    warm     again after one object has changed and been changed back: what nothing reads is kept
    growth   cold and `apply` for twice the services, divided; the budget is 2.3

Times are the least of the repeats, in milliseconds of processor time.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.figures import machine, print_table
from benchmarks.mesh_of_services import changes
from benchmarks.templates import rendered, shape
from lateen.api.resource import Change
from lateen.simulate.configuration import configuration
from lateen.translate import discovery
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.proxy_class import classify, proxy_from_node
from lateen.xds import kinds
from tests.corpus.passing import corpus_folder

GROWTH_BUDGET = 2.3
TYPES = (discovery.CLUSTER, discovery.ENDPOINT, discovery.LISTENER, discovery.ROUTE)
DEFAULT_SERVICES, DEFAULT_INSTANCES = 0, 1
SIZES = {  # without the corpus: the same names and sizes
    "gateways": (1000, 1, "router"),
    "gateways-shared": (1000, 1, "router"),
    "knative-gateway": (100, 1, "router"),
    "http": (100, 1, "sidecar"),
    "tcp": (100, 1, "sidecar"),
    "strict": (0, 1, "sidecar"),
    "disabled": (0, 1, "sidecar"),
    "authorizationpolicy": (100, 1, "sidecar"),
    "serviceentry-workloadentry": (100, 1000, "sidecar"),
}


@dataclass(frozen=True)
class Shape:
    name: str
    services: int
    instances: int
    proxy: str

    def resources(self, factor: int) -> tuple[Change, ...]:
        text, _ = shape(self.name)
        return changes(rendered(text, Services=self.services * factor, Instances=self.instances))


@dataclass
class Message:
    """One type of resource: least times, and what the message holds."""

    resources: int = 0
    size: int = 0
    cold: float = float("inf")
    warm: float = float("inf")


@dataclass
class Figures:
    apply: float = float("inf")
    total: float = float("inf")  # of all types, cold
    messages: dict[str, Message] = field(default_factory=dict)


def shapes() -> Iterator[Shape]:
    folder = corpus_folder()
    if folder is None:
        for name, (services, instances, proxy) in SIZES.items():
            yield Shape(name, services, instances, proxy)
        return
    for case in json.loads((folder / "extra" / "benchmarks.json").read_text())["cases"]:
        yield Shape(
            case["Name"],
            case.get("Services", DEFAULT_SERVICES),
            case.get("Instances", DEFAULT_INSTANCES),
            case.get("ProxyType", "sidecar"),
        )


def milliseconds(work: Callable[[], Any]) -> float:
    gc.collect()
    gc.disable()
    begun = time.process_time()
    work()
    spent = time.process_time() - begun
    gc.enable()
    return spent * 1000


def proxy_class(mesh: Mesh, kind: str) -> ProxyClass:
    node_id = f"{kind}~1.1.1.1~app.default~default.svc.cluster.local"
    metadata = {"NAMESPACE": "default", "LABELS": {"istio.io/benchmark": "true"}}
    return classify(mesh, proxy_from_node(node_id, metadata, mesh).proxy_class)


def names_by_type(mesh: Mesh, of: ProxyClass) -> dict[str, tuple[str, ...]]:
    """What the proxy asks for, found on a mesh that is not measured."""
    held = configuration(mesh, of)
    return {discovery.ENDPOINT: tuple(held.endpoints), discovery.ROUTE: tuple(held.routes)}


def message(
    mesh: Mesh, of: ProxyClass, type_url: str, asked: dict[str, tuple[str, ...]]
) -> list[bytes]:
    """The resources of one message."""
    names = asked[type_url] if type_url in asked else discovery.names(mesh, of, type_url)
    made = (discovery.cell(mesh, of, type_url, name).read() for name in names)
    return [each for each in made if each is not None]


def measured(subject: Shape, factor: int, repeats: int) -> Figures:
    resources = subject.resources(factor)
    probe = Mesh()
    probe.apply(resources)
    asked = names_by_type(probe, proxy_class(probe, subject.proxy))
    del probe
    figures = Figures(messages={type_url: Message() for type_url in TYPES})
    for _ in range(repeats):
        _repeat(subject, resources, asked, figures)
    return figures


def _repeat(
    subject: Shape,
    resources: tuple[Change, ...],
    asked: dict[str, tuple[str, ...]],
    figures: Figures,
) -> None:
    mesh = Mesh()
    figures.apply = min(figures.apply, milliseconds(lambda: mesh.apply(resources)))
    of = proxy_class(mesh, subject.proxy)
    total = 0.0
    for type_url in TYPES:
        cold = milliseconds(partial(message, mesh, of, type_url, asked))
        total += cold
        found = figures.messages[type_url]
        made = message(mesh, of, type_url, asked)
        found.resources, found.size = len(made), sum(map(len, made))
        found.cold = min(found.cold, cold)
    figures.total = min(figures.total, total)
    last = resources[-1]
    for type_url in TYPES:
        mesh.apply([Change(last.key, None)])
        message(mesh, of, type_url, asked)
        mesh.apply([last])
        found = figures.messages[type_url]
        found.warm = min(found.warm, milliseconds(partial(message, mesh, of, type_url, asked)))


def report(subject: Shape, repeats: int) -> tuple[str, ...]:
    """Prints the shape; returns its line of growth."""
    figures = measured(subject, 1, repeats)
    _, source = shape(subject.name)
    size = f"{subject.services} services" if subject.services else "no further services"
    more = f" of {subject.instances} instances" if subject.instances > 1 else ""
    rows = [
        (
            kinds.short(type_url), str(each.resources), str(each.size),
            f"{each.cold:.1f}", f"{each.warm:.1f}",
        )
        for type_url, each in figures.messages.items()
    ]  # fmt: skip
    title = (
        f"{subject.name} ({source}): {size}{more}, {subject.proxy}; apply {figures.apply:.1f} ms"
    )
    print_table(title, ("", "resources", "bytes", "cold ms", "warm ms"), rows)
    if not subject.services:
        return (subject.name, "", "", "", "")
    double = measured(subject, 2, repeats)
    return (
        subject.name,
        f"{double.apply / figures.apply:.2f}",
        f"{figures.total:.1f}",
        f"{double.total:.1f}",
        f"{double.total / figures.total:.2f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shapes", nargs="*")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(machine())
    wanted = [each for each in shapes() if not arguments.shapes or each.name in arguments.shapes]
    rows = [report(each, arguments.repeats) for each in wanted]
    title = f"twice the services (budget {GROWTH_BUDGET})"
    print_table(title, ("", "apply", "cold N", "cold 2N", "ratio"), rows)


if __name__ == "__main__":
    main()
