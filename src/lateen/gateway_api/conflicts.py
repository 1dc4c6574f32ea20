"""Listeners that cannot both be served: the earlier in order of precedence wins.

    listeners of the Gateway, as written  ->  those of its ListenerSets, the oldest set first

HTTP, HTTPS and TLS share a port as long as their hostnames differ; TCP and UDP share it with
nobody. A listener that loses does not stand in the way of later ones.
"""

from typing import NamedTuple

from lateen.api.gateway_api.gateway import Listener

BY_HOSTNAME = ("HTTP", "HTTPS", "TLS")
DEFAULT_PORTS = {"HTTP": 80, "HTTPS": 443}


class Slot(NamedTuple):
    """What a listener occupies."""

    port: int
    protocol: str
    hostname: str


def slot(listener: Listener) -> Slot:
    return Slot(effective_port(listener), listener.protocol, listener.hostname or "*")


def effective_port(listener: Listener) -> int:
    """Listeners of ListenerSets need not say the usual port of their protocol; 0: none known."""
    return listener.port or DEFAULT_PORTS.get(listener.protocol, 0)


def conflict(listener: Slot, taken: list[Slot]) -> str:
    """Reason of the condition; empty when there is room."""
    for other in taken:
        if not _are_distinct(listener, other):
            layer4 = _is_layer4(listener) and _is_layer4(other)
            same = listener.protocol == other.protocol and not layer4
            return "HostnameConflict" if same else "ProtocolConflict"
    return ""


def _are_distinct(one: Slot, other: Slot) -> bool:
    if one.port != other.port:
        return True
    if _is_layer4(one) or _is_layer4(other):
        known = (*BY_HOSTNAME, "TCP", "UDP")
        return one.protocol not in known or other.protocol not in known
    if one.protocol in BY_HOSTNAME and other.protocol in BY_HOSTNAME:
        return one.hostname != other.hostname
    return one.protocol != other.protocol


def _is_layer4(listener: Slot) -> bool:
    return listener.protocol in ("TCP", "UDP")
