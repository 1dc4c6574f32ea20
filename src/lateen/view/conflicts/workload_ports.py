"""Services that give one port of the same workloads two protocols: the oldest service's holds."""

from collections.abc import Iterator

from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.catalog import kubernetes_service
from lateen.catalog.service import Port, Service
from lateen.view.conflicts.report import at, conflict
from lateen.view.mesh import Mesh
from lateen.view.selection import selects
from lateen.view.service import defined


@derived
def of_selector(mesh: Mesh, namespace: str, label: str, value: str) -> tuple[Problem, ...]:
    """Among the Services that choose by this label first."""
    services = [
        made
        for key in mesh.index.keys("selector", namespace, label, value)
        if key.kind == "Service"
        and (made := defined(mesh, key, _host(mesh, key.name, namespace))) is not None
    ]
    return tuple(_conflicts(mesh, sorted(services, key=lambda made: made.age)))


def _host(mesh: Mesh, name: str, namespace: str) -> str:
    return kubernetes_service.hostname(name, namespace, mesh.domain)


def _conflicts(mesh: Mesh, services: list[Service]) -> Iterator[Problem]:
    for place, service in enumerate(services):
        for at_port, port in enumerate(service.ports):
            older = next(_others(services[:place], service, port), None)
            if older is None:
                continue
            winner, theirs = older
            yield conflict(
                mesh, service.source, f"spec.ports[{at_port}]",
                code="listener-conflict",
                message=f"port {_target(port)} of the workloads speaks {theirs.protocol}, by "
                f"{at(mesh, winner.source)}; what comes in is not taken for {port.protocol}",
                hint="give both the same protocol, by the port's name or appProtocol",
            )  # fmt: skip


def _others(older: list[Service], service: Service, port: Port) -> Iterator[tuple[Service, Port]]:
    for other in older:
        if not _same_workloads(other, service):
            continue
        for theirs in other.ports:
            if _target(theirs) == _target(port) and theirs.protocol is not port.protocol:
                yield other, theirs


def _same_workloads(one: Service, other: Service) -> bool:
    """What the one chooses the other may choose too: labels of one are all among the other's."""
    return selects(dict(one.selector), other.selector) or selects(
        dict(other.selector), one.selector
    )


def _target(port: Port) -> int | str:
    return port.number if port.target_port in (None, 0, "") else port.target_port or 0
