"""The kernel's view of the capture rules: who is sent where, in a real network namespace."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest

from lateen.intercept import nftables
from lateen.intercept.rules import PROXY_ID, Capture, chains
from lateen.local import links
from lateen.local.netns import CLONE_NEWNET, NetworkNamespace, enter

pytestmark = pytest.mark.root

APPLICATION_ID = 4242
POD, GATEWAY = IPv4Interface("198.51.100.2/24"), IPv4Interface("198.51.100.1/24")
ELSEWHERE = "203.0.113.9"
SO_ORIGINAL_DST = 80


@dataclass
class Pod:
    """A namespace joined to a second one that plays the node, with the rules installed."""

    inside: NetworkNamespace
    outside: NetworkNamespace
    sockets: ExitStack = field(default_factory=ExitStack)
    listeners: dict[int, socket.socket] = field(default_factory=dict)

    def listen(self, port: int) -> socket.socket:
        if port not in self.listeners:
            with self.inside.entered():
                made = self.sockets.enter_context(socket.create_server(("0.0.0.0", port)))
            self.listeners[port] = made
        return self.listeners[port]

    def original_destination(
        self, place: tuple[str, int], *, user: int, source: str = ""
    ) -> dict[int, tuple[str, int]]:
        """The port that a connection to `place` arrived at, and its original destination."""
        listeners = [self.listen(port) for port in (15001, 15006, 15053, 8080)]
        _connect(self.inside, place, user=user, source=source)
        for listener in listeners:
            listener.setblocking(False)
            try:
                accepted, _ = listener.accept()
            except BlockingIOError:
                continue
            with accepted:
                return {listener.getsockname()[1]: _original(accepted)}
        return {}


def _connect(
    namespace: NetworkNamespace, place: tuple[str, int], *, user: int, source: str
) -> None:
    """In a process of its own, as `user`, so that the socket has that owner."""
    child = os.fork()
    if child == 0:
        try:
            enter(namespace.handle, CLONE_NEWNET)
            os.setgid(user)
            os.setuid(user)
            talk = socket.socket()
            talk.settimeout(1)
            if source:
                talk.bind((source, 0))
            talk.connect(place)
        except OSError:
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)


def _original(accepted: socket.socket) -> tuple[str, int]:
    raw = accepted.getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    port, address = struct.unpack("!2xH4s8x", raw)
    return socket.inet_ntoa(address), port


@pytest.fixture
def pod() -> Iterator[Pod]:
    made = Pod(NetworkNamespace.create(), NetworkNamespace.create())
    with made.outside.entered():
        links.set_up("lo")
        links.add_bridge("node")
        links.add_address("node", GATEWAY)
        links.add_cable("port", bridge="node", inside="eth0", namespace=made.inside.handle)
    with made.inside.entered():
        links.set_up("lo")
        links.add_address("eth0", POD)
        links.set_up("eth0")
        links.add_default_route(IPv4Address(str(GATEWAY.ip)))
        nftables.install(chains(Capture(ranges_excluded=(IPv4Network("203.0.113.128/25"),))))
    with made.sockets:
        yield made
    made.inside.close()
    made.outside.close()


def test_application_calling_out_reaches_the_outbound_port(pod: Pod) -> None:
    arrived = pod.original_destination((ELSEWHERE, 80), user=APPLICATION_ID)

    assert arrived == {15001: (ELSEWHERE, 80)}


def test_proxy_calling_out_is_not_captured(pod: Pod) -> None:
    assert pod.original_destination((ELSEWHERE, 80), user=PROXY_ID) == {}


def test_excluded_range_is_not_captured(pod: Pod) -> None:
    assert pod.original_destination(("203.0.113.200", 80), user=APPLICATION_ID) == {}


def test_application_calling_itself_is_not_captured(pod: Pod) -> None:
    arrived = pod.original_destination(("127.0.0.1", 8080), user=APPLICATION_ID)

    assert list(arrived) == [8080]


def test_proxy_calling_its_own_pod_is_captured_as_inbound(pod: Pod) -> None:
    arrived = pod.original_destination((str(POD.ip), 8080), user=PROXY_ID)

    assert arrived == {15006: (str(POD.ip), 8080)}


def test_proxy_reaches_the_application_from_the_inbound_source(pod: Pod) -> None:
    arrived = pod.original_destination((str(POD.ip), 8080), user=PROXY_ID, source="127.0.0.6")

    assert list(arrived) == [8080]


def test_name_lookup_of_the_application_reaches_the_agent(pod: Pod) -> None:
    arrived = pod.original_destination(("127.0.0.1", 53), user=APPLICATION_ID)

    assert arrived == {15053: ("127.0.0.1", 53)}


def test_call_from_outside_reaches_the_inbound_port(pod: Pod) -> None:
    inbound = pod.listen(15006)
    with pod.outside.entered():
        caller = socket.create_connection((str(POD.ip), 8080), timeout=2)
    accepted, _ = inbound.accept()

    with caller, accepted:
        assert _original(accepted) == (str(POD.ip), 8080)


def test_health_port_is_not_captured(pod: Pod) -> None:
    health = pod.listen(15021)
    with pod.outside.entered():
        caller = socket.create_connection((str(POD.ip), 15021), timeout=2)
    accepted, _ = health.accept()

    with caller, accepted:
        assert accepted.getsockname() == (str(POD.ip), 15021)


def test_removed_rules_capture_nothing(pod: Pod) -> None:
    with pod.inside.entered():
        nftables.remove()

    assert pod.original_destination((ELSEWHERE, 80), user=APPLICATION_ID) == {}


def test_rules_can_be_replaced(pod: Pod) -> None:
    with pod.inside.entered():
        nftables.install(chains(Capture(outbound_excluded=(80,))))

    assert pod.original_destination((ELSEWHERE, 80), user=APPLICATION_ID) == {}
    assert pod.original_destination((ELSEWHERE, 81), user=APPLICATION_ID) != {}
