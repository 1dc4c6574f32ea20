"""Address families: on what a proxy listens, and by which addresses it looks names up.

    IPv4 only    0.0.0.0   127.0.0.1   from 127.0.0.6   A records
    IPv6 only    ::        ::1         from ::6         AAAA records
    dual stack   both      both        from either      both (node metadata DUAL_STACK)

A proxy that has addresses of both families and is not asked for dual stack acts as one of IPv4.
"""

from collections.abc import Sequence
from typing import Any

from lateen.envoy import types
from lateen.view.proxy import Families

ANYWHERE = {
    Families.IPV4: ("0.0.0.0",),
    Families.IPV6: ("::",),
    Families.BOTH: ("0.0.0.0", "::"),
}
LOCALHOST = {
    Families.IPV4: ("127.0.0.1",),
    Families.IPV6: ("::1",),
    Families.BOTH: ("127.0.0.1", "::1"),
}
# Inbound connections leave for the application from here, so that capture rules spare them.
INBOUND_SOURCES = {
    Families.IPV4: ("127.0.0.6",),
    Families.IPV6: ("::6",),
    Families.BOTH: ("127.0.0.6", "::6"),
}
DNS = {Families.IPV4: "V4_ONLY", Families.IPV6: "V6_ONLY", Families.BOTH: "ALL"}


def anywhere(families: Families) -> str:
    """The first of the addresses that stand for all; it names the listener."""
    return ANYWHERE[families][0]


def localhost(families: Families) -> str:
    return LOCALHOST[families][0]


def add_twins(listener: Any, families: Families) -> None:
    """A dual-stack listener on all addresses, or on loopback, is on those of IPv6 too."""
    if families is not Families.BOTH:
        return
    place = listener.address.socket_address
    for first, *others in (ANYWHERE[families], LOCALHOST[families]):
        if place.address == first:
            for other in others:
                added = listener.additional_addresses.add().address.socket_address
                added.address, added.port_value = other, place.port_value


def bind_inbound_source(cluster: Any, families: Families) -> None:
    first, *others = INBOUND_SOURCES[families]
    _socket_address(cluster.upstream_bind_config.source_address, first)
    for other in others:
        _socket_address(cluster.upstream_bind_config.extra_source_addresses.add().address, other)


def _socket_address(made: Any, address: str) -> None:
    made.CopyFrom(types.SocketAddress(address=address, port_value=0))


def of(addresses: Sequence[str], families: Families) -> tuple[str, ...]:
    """Those of the families; all of them where none is."""
    wants_4, wants_6 = families is not Families.IPV6, families is not Families.IPV4
    found = tuple(each for each in addresses if (wants_6 if ":" in each else wants_4))
    return found or tuple(addresses)
