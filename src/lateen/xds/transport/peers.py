"""How many connections one address may have, and how fast it may open them.

An address is one proxy, or a machine's worth of them behind one address; the limits are far above
either. They bound what a client that only connects can cost, before it has proven anything.
"""

import logging
from dataclasses import dataclass

from lateen.xds.transport.limits import Limits

log = logging.getLogger(__name__)

MOST_ADDRESSES = 50_000  # remembered while they have no connection


@dataclass(slots=True)
class _Peer:
    since: float  # when the counting began
    opened: int = 0  # since then
    present: int = 0
    is_warned: bool = False


class Peers:
    """Owned by a listener, which asks for every connection and says when it is gone."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._peers: dict[str, _Peer] = {}
        self.refused = 0

    def admits(self, address: str, now: float) -> bool:
        limits = self._limits
        peer = self._peers.get(address)
        if peer is None:
            self._forget(now)
            peer = self._peers[address] = _Peer(now)
        if now - peer.since > limits.connect_seconds:
            peer.since, peer.opened, peer.is_warned = now, 0, False
        peer.opened += 1
        if peer.present < limits.connections and peer.opened <= limits.connects:
            peer.present += 1
            return True
        self.refused += 1
        if not peer.is_warned:
            peer.is_warned = True
            log.warning(
                "connections refused",
                extra={"peer": address, "present": peer.present, "opened": peer.opened},
            )
        return False

    def left(self, address: str) -> None:
        peer = self._peers.get(address)
        if peer is not None and peer.present:
            peer.present -= 1

    def _forget(self, now: float) -> None:
        """Those without connections, when there are too many."""
        if len(self._peers) < MOST_ADDRESSES:
            return
        self._peers = {
            address: peer
            for address, peer in self._peers.items()
            if peer.present or now - peer.since <= self._limits.connect_seconds
        }
