"""At which addresses a proxy's clients reach a service.

its own addresses               ClusterIP, ServiceEntry addresses (also CIDRs)
else automatically given ones   only where DNS tells them (dns_capture, dns_auto_allocate)
of the proxy's own families     where there are any of those
explicit mode                   127.x.y.0 becomes 127.x.y.W: each proxy binds its own last byte
"""

import ipaddress

from lateen.catalog.service import Service
from lateen.translate import families
from lateen.view.proxy import ProxyClass

LOOPBACK = ipaddress.ip_network("127.64.0.0/10")  # explicit mode allocates services from it


def service_addresses(service: Service, proxy_class: ProxyClass) -> tuple[str, ...]:
    """Addresses and CIDRs; empty: none is known."""
    return families.of(named_addresses(service, proxy_class), proxy_class.families)


def named_addresses(service: Service, proxy_class: ProxyClass) -> tuple[str, ...]:
    """What DNS answers: those that the user wrote of both families, whatever the asker has."""
    addresses = service.addresses
    if not addresses and proxy_class.dns_capture and proxy_class.dns_auto_allocate:
        addresses = families.of(service.auto_addresses, proxy_class.families)
    if not proxy_class.loopback_index:
        return addresses
    return tuple(_own(address, proxy_class.loopback_index) for address in addresses)


def _own(address: str, index: int) -> str:
    try:
        place = ipaddress.ip_address(address)
    except ValueError:
        return address  # a CIDR
    if not isinstance(place, ipaddress.IPv4Address) or place not in LOOPBACK:
        return address
    return str(ipaddress.IPv4Address(int(place) & 0xFFFFFF00 | index))


def is_address(text: str) -> bool:
    """One address, not a CIDR or a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
