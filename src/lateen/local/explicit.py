"""Pods without namespaces: loopback addresses of their own, and nothing captured.

    127.(32+n).w.1       the proxy of pod w of the n-th mesh: what others call, its status ports
    127.(32+n).w.2       its application, told by $HOST and $LATEEN_BIND; without a proxy it is
                         at the pod's address itself
    127.(64+4n+a).b.w    a service (a, b), as pod w reaches it

Every pod's proxy listens at every service's address with the pod's own last byte, so that the
proxies of one machine do not meet. Applications call each other by those addresses, which their
environment holds, or through `HTTP_PROXY`.
"""

import os
import socket

from lateen.intercept.rules import Capture
from lateen.local.errors import LocalError
from lateen.local.network import Attachment
from lateen.local.process import Credentials

MESHES = 8
PODS = 254
NAME = "explicit"
FIRST_RANGE = 32
RESERVATION_PORT = 15999
LOOPBACK = "127.0.0.1"
DIRECT = "localhost,127.0.0.1"  # never asked of the proxy


class ExplicitNetwork:
    """Owns which addresses are given to which pod."""

    name = NAME
    captures = False
    socket_mark = 0
    service_step = 256
    resolver = ""
    discovery_host = LOOPBACK
    proxy_credentials = Credentials()

    def __init__(self, index: int, held: socket.socket | None = None) -> None:
        self._held = held  # a port of the range: whoever has it has the range
        self.bridge = f"{NAME}{index}"
        self._pods = f"127.{FIRST_RANGE + index}"
        self.service_cidr = f"127.{64 + 4 * index}.0.0/14"
        self._used: dict[str, int] = {}
        self.unprivileged = is_unprivileged()

    def create(self) -> None:
        """Loopback addresses are there without being made."""

    def attach(self, pod: str, *, has_proxy: bool) -> Attachment:
        taken = set(self._used.values())
        number = next((w for w in range(1, PODS + 1) if w not in taken), None)
        if number is None:
            raise LocalError(f"explicit mode has place for {PODS} pods")
        self._used[pod] = number
        address = f"{self._pods}.{number}.1"
        application = f"{self._pods}.{number}.2" if has_proxy else address
        environment = {"HOST": application, "LATEEN_BIND": application}
        proxy_port = free_port() if has_proxy else 0
        if has_proxy:
            proxy = f"http://{LOOPBACK}:{proxy_port}"
            environment |= {"HTTP_PROXY": proxy, "http_proxy": proxy}
            environment |= dict.fromkeys(("NO_PROXY", "no_proxy"), DIRECT)
        return Attachment(
            address=address,
            application=application,
            index=number,
            proxy_port=proxy_port,
            environment=environment,
        )

    def capture(self, attachment: Attachment, capture: Capture) -> None:
        """Nothing can be captured here."""

    def release(self, pod: str) -> None:
        self._used.pop(pod, None)

    def close(self) -> None:
        self._used.clear()
        if self._held is not None:
            self._held.close()


def reserve() -> ExplicitNetwork:
    """The first range of addresses that no mesh on this machine has, whoever's it is."""
    for index in range(MESHES):
        held = socket.socket()
        try:
            held.bind((f"127.{FIRST_RANGE + index}.0.1", RESERVATION_PORT))
            held.listen(1)
        except OSError:
            held.close()
            continue
        return ExplicitNetwork(index, held)
    raise LocalError(f"{MESHES} meshes run already; stop one with: lateen down --name NAME")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_unprivileged() -> bool:
    """Whether the usual port of HTTP cannot be listened on."""
    return os.geteuid() != 0 and _first_free_port() > 80


def _first_free_port() -> int:
    """The first port that needs no privilege."""
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 1024
