"""Which addresses the control plane may connect to for keys. Pure.

Whoever writes a `jwksUri` makes the control plane connect somewhere. Addresses that mean this very
machine or its link (loopback, link-local with the clouds' metadata services, unspecified,
multicast, reserved) are refused, and so are those that smuggle one inside an IPv6 address. Private
networks are where services are, and allowed. A setting names hosts and networks that are allowed
all the same, and further ones that are not; what is denied by name beats what is allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from lateen.jwks.errors import SettingError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
LAST_32_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Reach:
    """Hosts are names in lower case; networks of one address are addresses."""

    allowed_hosts: frozenset[str] = frozenset()
    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> "Reach":
        """From words: `allow` takes hosts, addresses and CIDRs, `deny` the latter two."""
        hosts, allowed = set(), []
        for word in allow:
            network = _find_network(word)
            if network is not None:
                allowed.append(network)
            elif "/" in word or ":" in word:
                raise SettingError(f'"{word}" is neither a host nor an address nor a CIDR')
            else:
                hosts.add(word.lower().rstrip("."))
        denied = []
        for word in deny:
            network = _find_network(word)
            if network is None:
                raise SettingError(f'"{word}" is neither an address nor a CIDR')
            denied.append(network)
        return cls(frozenset(hosts), tuple(allowed), tuple(denied))

    def refusal(self, host: str, address: str) -> str:
        """Why the address may not be connected to for the host; empty when it may."""
        meant = _unwrapped(ip_address(address.partition("%")[0]))
        if any(meant in network for network in self.denied if network.version == meant.version):
            return "is denied by a setting"
        if host.lower().rstrip(".") in self.allowed_hosts:
            return ""
        if any(meant in network for network in self.allowed if network.version == meant.version):
            return ""
        kind = _refused_kind(meant)
        return f"is {kind}" if kind else ""


def _refused_kind(address: Address) -> str:
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_unspecified or int(address) >> 24 == 0:  # 0.0.0.0/8 is "this host"
        return "an unspecified address"
    if address.is_multicast:
        return "a multicast address"
    if address.is_reserved:
        return "a reserved address"
    return ""


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64:
        return IPv4Address(int(address) & LAST_32_BITS)
    return _compatible(address)


def _compatible(address: IPv6Address) -> Address:
    """`::a.b.c.d`, long deprecated and still understood; `::` and `::1` are themselves."""
    return IPv4Address(int(address)) if 1 < int(address) <= LAST_32_BITS else address


def _find_network(word: str) -> Network | None:
    try:
        return ip_network(word, strict=False)
    except ValueError:
        return None
