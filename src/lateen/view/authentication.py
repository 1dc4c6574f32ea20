"""Which mutual TLS mode PeerAuthentication gives to a port.

    port level  ->  workload  ->  namespace  ->  root namespace  ->  PERMISSIVE

The oldest policy of a level wins. Clients look at namespace and mesh level alone.
"""

from enum import StrEnum

from lateen.base.incremental import derived
from lateen.view.mesh import Mesh


class MutualTLSMode(StrEnum):
    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


@derived
def peer_mode(
    mesh: Mesh, namespace: str, labels: tuple[tuple[str, str], ...], port: int = 0
) -> MutualTLSMode:
    """What a workload demands on a port of its container; port 0: any port without its own mode."""
    raise NotImplementedError


@derived
def port_modes(
    mesh: Mesh, namespace: str, labels: tuple[tuple[str, str], ...]
) -> tuple[tuple[int, MutualTLSMode], ...]:
    """The ports with a mode of their own (portLevelMtls), sorted."""
    raise NotImplementedError


@derived
def namespace_mode(mesh: Mesh, namespace: str) -> MutualTLSMode:
    """What automatic mutual TLS of clients goes by."""
    raise NotImplementedError
