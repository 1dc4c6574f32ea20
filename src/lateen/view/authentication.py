"""Which mutual TLS mode PeerAuthentication gives to a port.

    port level  ->  workload  ->  namespace  ->  root namespace  ->  PERMISSIVE

The oldest policy of a level wins. Clients look at namespace and mesh level alone; what a workload
or port demands reaches them by the endpoint's tlsMode.
"""

from enum import StrEnum

from lateen.api.peer_authentication import MutualTLS, PeerAuthentication
from lateen.api.resource import Resource
from lateen.base.incremental import derived
from lateen.view.mesh import Mesh
from lateen.view.selection import Labels, selects


class MutualTLSMode(StrEnum):
    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@derived
def peer_mode(mesh: Mesh, namespace: str, labels: Labels, port: int = 0) -> MutualTLSMode:
    """What a workload demands on a port of its container; port 0: any port without its own mode."""
    policy = _of_workload(mesh, namespace, labels)
    if policy is None:
        return namespace_mode(mesh, namespace)
    return (
        _mode(policy.spec.port_level_mtls.get(port))
        or _mode(policy.spec.mtls)
        or namespace_mode(mesh, namespace)
    )


@derived
def port_modes(mesh: Mesh, namespace: str, labels: Labels) -> tuple[tuple[int, MutualTLSMode], ...]:
    """The ports with a mode of their own (portLevelMtls), sorted."""
    policy = _of_workload(mesh, namespace, labels)
    if policy is None:
        return ()
    return tuple(
        (port, mode)
        for port, written in sorted(policy.spec.port_level_mtls.items())
        if (mode := _mode(written)) is not None
    )


@derived
def namespace_mode(mesh: Mesh, namespace: str) -> MutualTLSMode:
    """What automatic mutual TLS of clients goes by."""
    root = mesh.root_namespace
    for owner in dict.fromkeys((namespace, root)):
        for policy in _oldest_first(mesh, owner):
            if not _selector(policy):
                mode = _mode(policy.spec.mtls)
                if mode is not None:
                    return mode
                break
    return MutualTLSMode.PERMISSIVE


def _of_workload(mesh: Mesh, namespace: str, labels: Labels) -> Resource[PeerAuthentication] | None:
    """The oldest that selects the workload; in the root namespace selectors are without effect."""
    if namespace == mesh.root_namespace:
        return None
    return next(
        (
            policy
            for policy in _oldest_first(mesh, namespace)
            if _selector(policy) and selects(_selector(policy), labels)
        ),
        None,
    )


def _oldest_first(mesh: Mesh, namespace: str) -> list[Resource[PeerAuthentication]]:
    return sorted(mesh.of_kind("PeerAuthentication", namespace), key=lambda item: item.age)


def _selector(policy: Resource[PeerAuthentication]) -> dict[str, str]:
    return policy.spec.selector.match_labels if policy.spec.selector is not None else {}


def _mode(written: MutualTLS | None) -> MutualTLSMode | None:
    """None: not set, the wider policy decides."""
    if written is None or written.mode == "UNSET":
        return None
    return MutualTLSMode(written.mode)
