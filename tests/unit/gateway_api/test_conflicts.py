"""Which listeners share a port."""

import pytest

from lateen.api.gateway_api.gateway import Listener
from lateen.gateway_api.conflicts import Slot, conflict, slot

HTTPS = Slot(443, "HTTPS", "a.example")


@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        (Slot(80, "HTTPS", "a.example"), ""),
        (Slot(443, "HTTPS", "b.example"), ""),
        (Slot(443, "TLS", "b.example"), ""),
        (Slot(443, "HTTPS", "a.example"), "HostnameConflict"),
        (Slot(443, "TLS", "a.example"), "ProtocolConflict"),
        (Slot(443, "TCP", "*"), "ProtocolConflict"),
    ],
)
def test_with_a_listener_by_hostname(listener: Slot, reason: str) -> None:
    assert conflict(listener, [HTTPS]) == reason


def test_listeners_without_hostnames_have_a_port_alone() -> None:
    assert conflict(Slot(1, "TCP", "*"), [Slot(1, "TCP", "*")]) == "ProtocolConflict"


def test_a_listener_occupies_the_usual_port_of_its_protocol_when_it_says_none() -> None:
    assert slot(Listener(name="a", protocol="HTTPS")) == Slot(443, "HTTPS", "*")
