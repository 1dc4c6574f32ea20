"""The layer of patches over the cells of a proxy.

    unpatched cell (bytes)  --apply-->  Applied (bytes, failures)  -->  patched cell

Proxies that share an unpatched cell and are chosen by the same patches share the patched one. A
resource that no patch is for is never parsed: its bytes are passed on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lateen.api.envoy_filter import ApplyTo
from lateen.base.incremental import Node, derived
from lateen.base.problem import Problem
from lateen.envoy import messages, types
from lateen.translate.envoy_filter import clusters, listeners, routes
from lateen.translate.envoy_filter.match import TargetPorts
from lateen.translate.envoy_filter.patch import Patch, patches, problem
from lateen.translate.envoy_filter.trial import Trial
from lateen.view.envoy_filter import Selected, selection
from lateen.view.gateway import gateway_servers
from lateen.view.mesh import Mesh
from lateen.view.proxy import PatchName, ProxyClass, ProxyKind

CLUSTER = messages.TYPE_PREFIX + types.FULL_NAMES["Cluster"]
LISTENER = messages.TYPE_PREFIX + types.FULL_NAMES["Listener"]
ROUTE = messages.TYPE_PREFIX + types.FULL_NAMES["RouteConfiguration"]
EXTENSION = messages.TYPE_PREFIX + types.FULL_NAMES["TypedExtensionConfig"]
APPLIES: dict[str, tuple[ApplyTo, ...]] = {
    CLUSTER: (ApplyTo.CLUSTER,),
    LISTENER: listeners.KINDS,
    ROUTE: routes.KINDS,
    EXTENSION: (ApplyTo.EXTENSION_CONFIG,),
}


@dataclass(frozen=True, slots=True)
class Patching:
    """What patched cells depend on besides the unpatched ones. Hashable."""

    selection: tuple[Selected, ...]
    kind: ProxyKind
    target_ports: TargetPorts = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """A resource after its patches, and what could not be applied."""

    serialized: bytes | None
    problems: tuple[Problem, ...] = ()
    optional: tuple[PatchName, ...] = ()  # what changed it and may be left out, in order


@derived
def patching(mesh: Mesh, proxy_class: ProxyClass) -> Patching | None:
    """None for a proxy that no EnvoyFilter concerns. Cells are found by it: another is a move."""
    selected = selection(mesh, proxy_class)
    if not selected:
        return None
    is_router = proxy_class.kind is ProxyKind.ROUTER
    ports = _target_ports(mesh, proxy_class) if is_router else ()
    return Patching(selected, proxy_class.kind, ports)


def _target_ports(mesh: Mesh, proxy_class: ProxyClass) -> TargetPorts:
    """Which ports of the gateway's service lead to a port of the proxy."""
    found: dict[int, set[int]] = {}
    for server in gateway_servers(mesh, proxy_class):
        found.setdefault(server.port, set()).add(server.number)
    return tuple((port, tuple(sorted(numbers))) for port, numbers in sorted(found.items()))


def patched_names(
    mesh: Mesh, proxy_class: ProxyClass, type_url: str, names: tuple[str, ...]
) -> tuple[str, ...]:
    """The names with those that patches add. A removed one stays: its cell holds None."""
    found = patching(mesh, proxy_class)
    added = _added(mesh, found, type_url) if found is not None else {}
    return (*names, *(name for name in added if name not in names)) if added else names


def patched_cell(
    mesh: Mesh, proxy_class: ProxyClass, type_url: str, name: str, unpatched: Node
) -> Node:
    """The unpatched cell itself where no patch can matter."""
    found = patching(mesh, proxy_class)
    if found is None or type_url not in APPLIES:
        return unpatched
    return patched.node(mesh, unpatched, found, type_url, name)


def optional_patches(cell: Node) -> tuple[PatchName, ...]:
    """The patches that made a cell what it is and may be left out; none of an unpatched cell."""
    made = (dep.value for dep in cell.deps if isinstance(dep.value, Applied))
    return next((each.optional for each in made), ())


def extension_names(mesh: Mesh, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Of the extension configurations that patches add: proxies ask for them by name."""
    return patched_names(mesh, proxy_class, EXTENSION, ())


@derived
def patched(mesh: Mesh, unpatched: Node, found: Patching, type_url: str, name: str) -> bytes | None:
    return applied(mesh, unpatched, found, type_url, name).serialized


@derived
def applied(mesh: Mesh, unpatched: Node, found: Patching, type_url: str, name: str) -> Applied:
    serialized: bytes | None = unpatched.read()
    if serialized is None:
        addition = _added(mesh, found, type_url).get(name)
        if addition is None:
            return Applied(None)
        return Applied(messages.serialize(addition.message), optional=(addition.name,))
    concerned = patches(mesh, found.selection, APPLIES[type_url])
    if not concerned or not _may_concern(concerned, found, type_url, name):
        return Applied(serialized)
    trial = Trial()
    made = APPLY[type_url](concerned, found, serialized, trial)
    problems = tuple(
        problem(mesh, each.patch.owner, each.patch.index, each.fault, place=name)
        for each in trial.failures
    )
    if made is None:
        return Applied(None, problems)
    optional = tuple(patch.name for patch in trial.applied if not patch.is_guard)
    return Applied(messages.serialize(made) if trial.changed else serialized, problems, optional)


def _may_concern(concerned: tuple[Patch, ...], found: Patching, type_url: str, name: str) -> bool:
    if type_url == CLUSTER:
        return clusters.may_concern(concerned, found.kind, name)
    if type_url == ROUTE:
        return bool(_of_route(concerned, found, name))
    return True


def _of_route(concerned: tuple[Patch, ...], found: Patching, name: str) -> tuple[Patch, ...]:
    return routes.concerning(concerned, name, routes.context_of(found.kind), found.target_ports)


def _cluster(concerned: tuple[Patch, ...], found: Patching, serialized: bytes, trial: Trial) -> Any:
    return clusters.patched(concerned, found.kind, types.Cluster.FromString(serialized), trial)


def _listener(
    concerned: tuple[Patch, ...], found: Patching, serialized: bytes, trial: Trial
) -> Any:
    return listeners.patched(concerned, found.kind, types.Listener.FromString(serialized), trial)


def _route(concerned: tuple[Patch, ...], found: Patching, serialized: bytes, trial: Trial) -> Any:
    made = types.RouteConfiguration.FromString(serialized)
    routes.patch_routes(_of_route(concerned, found, made.name), made, trial)
    return made


APPLY: dict[str, Callable[[tuple[Patch, ...], Patching, bytes, Trial], Any]] = {
    CLUSTER: _cluster,
    LISTENER: _listener,
    ROUTE: _route,
}


def _added(mesh: Mesh, found: Patching, type_url: str) -> dict[str, Patch]:
    """Resources that patches add, by name."""
    concerned = patches(mesh, found.selection, APPLIES.get(type_url, ()))
    if type_url == CLUSTER:
        return clusters.added(concerned, found.kind)
    if type_url == LISTENER:
        return listeners.added(concerned, found.kind)
    if type_url == EXTENSION:
        by_name = {patch.message.name: patch for patch in reversed(concerned)}
        return dict(reversed(by_name.items()))
    return {}
