"""How the pods of a mesh reach each other: what every mode offers, and what it gives a pod.

root      a network namespace per pod on a bridge of this machine
userns    the same inside a user namespace
explicit  loopback addresses; nothing is captured
"""

from dataclasses import dataclass, field
from typing import Protocol

from lateen.intercept.rules import Capture
from lateen.local.netns import NetworkNamespace
from lateen.local.process import Credentials


@dataclass(frozen=True)
class Attachment:
    """A pod's place in the network."""

    address: str  # of the pod: where its proxy, or without one its application, is found
    application: str  # where the application listens
    namespace: NetworkNamespace | None = None
    index: int = 0  # explicit mode: last byte of the loopback addresses its proxy binds
    proxy_port: int = 0  # explicit mode: where its proxy takes HTTP requests for any host
    environment: dict[str, str] = field(default_factory=dict)


class Network(Protocol):
    """`name` is the mode's. Closing it removes everything that it made."""

    name: str
    captures: bool  # whether traffic passes the proxy without the application's help
    discovery_host: str  # where pods find the control plane
    service_cidr: str
    service_step: int
    resolver: str  # HOST:PORT of the resolver for names outside the mesh; empty: the host's own
    proxy_credentials: Credentials
    bridge: str  # or whatever else tells this mesh's network from others
    socket_mark: int  # that the proxies' own connections carry; 0: none
    unprivileged: bool  # whether ports below 1024 cannot be listened on

    def create(self) -> None: ...

    def attach(self, pod: str, *, has_proxy: bool) -> Attachment: ...

    def capture(self, attachment: Attachment, capture: Capture) -> None: ...

    def release(self, pod: str) -> None: ...

    def close(self) -> None: ...
