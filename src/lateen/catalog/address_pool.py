"""Addresses for services that come without: stable, spread by the hash of their name.

A name gets the slot of its FNV-1a hash; where that is taken, double hashing finds the next one. So
a service keeps its address over restarts unless a collision is resolved in another order.
"""

import ipaddress
from collections.abc import Callable

FNV_OFFSET = 2166136261
FNV_PRIME = 16777619
AUTO_SLOTS = 256 * 254  # 240.240.0.1 to 240.240.255.254
AUTO_PREFIX_6 = int(ipaddress.IPv6Address("2001:2::"))  # set aside for benchmarks: RFC 5180
AUTO_PRIME = 65011  # step of double hashing: prime and near the number of slots


def fnv1a(text: str) -> int:
    value = FNV_OFFSET
    for byte in text.encode():
        value = (value ^ byte) * FNV_PRIME & 0xFFFFFFFF
    return value


class AddressPool:
    """Owns which slot belongs to which name."""

    def __init__(self, slots: int, address: Callable[[int], str]) -> None:
        self._slots = slots
        self._address = address
        self._owners: dict[int, str] = {}
        self._taken: dict[str, int] = {}
        self._step_prime = AUTO_PRIME if slots > AUTO_PRIME else _prime_below(slots)

    def take(self, name: str) -> str:
        """The address of the name, now taken; empty when the pool is exhausted."""
        slot = self._taken.get(name)
        if slot is None:
            slot = self._find(name)
            if slot is None:
                return ""
            self._owners[slot] = name
            self._taken[name] = slot
        return self._address(slot)

    def release(self, name: str) -> None:
        slot = self._taken.pop(name, None)
        if slot is not None:
            del self._owners[slot]

    def _find(self, name: str) -> int | None:
        if len(self._owners) >= self._slots:
            return None
        value = fnv1a(name)
        slot = value % self._slots
        step = self._step_prime - value % self._step_prime
        for attempt in range(1, self._slots + 1):
            if slot not in self._owners:
                return slot
            slot = (value + attempt * step) % self._slots
        return next(slot for slot in range(self._slots) if slot not in self._owners)


def auto_allocated() -> AddressPool:
    """240.240.0.0/16 for ServiceEntries, without addresses that end in 0 or 255."""
    return AddressPool(AUTO_SLOTS, lambda slot: f"240.240.{slot // 254}.{slot % 254 + 1}")


def of_version_6(address: str) -> str:
    """The IPv6 address in 2001:2::/48 of whoever has this automatic IPv4 address."""
    return str(ipaddress.IPv6Address(AUTO_PREFIX_6 | int(ipaddress.IPv4Address(address))))


def of_network(cidr: str, step: int = 1) -> AddressPool:
    """Every `step`-th address of the network except its first and its last."""
    network = ipaddress.ip_network(cidr)
    first = int(network.network_address)
    kind = type(network.network_address)
    slots = network.num_addresses // step - (2 if step == 1 else 1)
    return AddressPool(max(slots, 1), lambda slot: str(kind(first + (slot + 1) * step)))


def _prime_below(limit: int) -> int:
    for number in range(max(limit - 1, 2), 1, -1):
        if all(number % factor for factor in range(2, int(number**0.5) + 1)):
            return number
    return 2
