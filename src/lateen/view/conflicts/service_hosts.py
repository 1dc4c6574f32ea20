"""Services and ServiceEntries that define one host, or that clients cannot tell apart."""

from collections.abc import Iterator

from lateen.api.resource import Resource
from lateen.api.service_entry import ServiceEntry
from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.catalog.service import Registry, Service
from lateen.view import selection
from lateen.view.conflicts.report import at, conflict
from lateen.view.conflicts.virtual_services import shared
from lateen.view.mesh import Mesh
from lateen.view.service import defined

CODE = "service-conflict"
HTTP_HINT = "give them addresses of their own or different ports"


@derived
def of_hostname(mesh: Mesh, hostname: str, namespace: str) -> tuple[Problem, ...]:
    """A Service beats ServiceEntries; those that are exported alike merge unless they disagree."""
    found = [
        made
        for key in mesh.index.keys("hostname", hostname, namespace)
        if (made := defined(mesh, key, hostname)) is not None
    ]
    found.sort(key=lambda made: (made.registry is not Registry.KUBERNETES, made.age))
    if len(found) < 2:
        return ()
    if found[0].registry is Registry.KUBERNETES:
        return tuple(
            _of_host(mesh, made, f"{hostname} is {at(mesh, found[0].source)}") for made in found[1:]
        )
    return tuple(_disagreements(mesh, found))


def _of_host(mesh: Mesh, loser: Service, message: str) -> Problem:
    return conflict(
        mesh, loser.source, "spec.hosts", code=CODE, message=message,
        hint="name another host, or remove one of the two",
    )  # fmt: skip


def _disagreements(mesh: Mesh, found: list[Service]) -> Iterator[Problem]:
    firsts: dict[frozenset[str], Service] = {}
    for made in found:
        first = firsts.setdefault(made.export_to, made)
        if first is made:
            continue
        host, winner = made.hostname, at(mesh, first.source)
        if first.resolution is not made.resolution:
            yield _of_host(
                mesh, made,
                f"{host} is resolved as {winner} says ({first.resolution}); the ports of this one "
                "are not used",
            )  # fmt: skip
            continue
        for port in made.ports:
            known = first.port(port.number)
            if known is not None and known.protocol is not port.protocol:
                yield _of_host(
                    mesh, made, f"port {port.number} of {host} is {known.protocol}, by {winner}"
                )


@derived
def of_stream_place(mesh: Mesh, address: str, port: str) -> tuple[Problem, ...]:
    """Hosts whose TCP connections go to one address and port: all reach the oldest."""
    found = [
        entry
        for key in mesh.index.keys("stream place", address, port)
        if (entry := mesh.resource(key)) is not None
    ]
    found.sort(key=lambda entry: entry.age)
    return tuple(_of_place(mesh, found, address, port))


def _of_place(
    mesh: Mesh, entries: list[Resource[ServiceEntry]], address: str, port: str
) -> Iterator[Problem]:
    for at_entry, entry in enumerate(entries):
        first = next((one for one in entries[:at_entry] if _meet(mesh, one, entry)), None)
        if first is None:
            continue
        yield conflict(
            mesh, entry.key, "spec.addresses" if entry.spec.addresses else "spec.ports",
            code="listener-conflict",
            message=f"TCP connections to {address}:{port} go to {_host(first)} of "
            f"{at(mesh, first.key)}; {_host(entry)} cannot be told apart from it",
            hint=HTTP_HINT,
        )  # fmt: skip


def _meet(mesh: Mesh, one: Resource[ServiceEntry], other: Resource[ServiceEntry]) -> bool:
    """Whether some namespace sees both, and they are not the same hosts."""
    default = mesh.config.default_service_export_to
    exports = (
        selection.export_set(entry.spec.export_to, entry.namespace, default)
        for entry in (one, other)
    )
    same = one.namespace == other.namespace and set(one.spec.hosts) == set(other.spec.hosts)
    return not same and shared(*exports)


def _host(entry: Resource[ServiceEntry]) -> str:
    return next(iter(entry.spec.hosts), "")
