"""A network namespace per pod, all plugged into one bridge, in the runner's own namespace.

    198.18.(16 n).0/20   pods of the n-th mesh; the first address is the bridge's
    198.19.(16 n).0/20   its ClusterIPs, which exist only in proxies

The range is the one set aside for benchmarks (RFC 2544), which no real network uses. A pod's
namespace has no name: it ends with the last process in it.
"""

import contextlib
import itertools
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from lateen.intercept import nftables
from lateen.intercept.rules import PROXY_ID, PROXY_MARK, Capture, Owner, chains
from lateen.local import links, outside
from lateen.local.errors import LocalError
from lateen.local.netns import NetworkNamespace, set_kernel_option
from lateen.local.network import Attachment
from lateen.local.process import Credentials

PODS, SERVICES = IPv4Network("198.18.0.0/16"), IPv4Network("198.19.0.0/16")
MESH_PREFIX = 20
MESHES = 16  # side by side
BRIDGE_PREFIX = "lateen"
RESOLVER_PORT = 5353  # not 53, which capture sends to the pod's agent
INSIDE = "eth0"


class BridgeNetwork:
    """Owns the bridge, the cables and the pods' namespaces. `index` tells meshes apart."""

    captures = True
    service_step = 1
    unprivileged = False

    def __init__(self, index: int, *, name: str, owner: Owner) -> None:
        self.socket_mark = PROXY_MARK if owner is Owner.MARK else 0
        self.name = name
        self.bridge = f"{BRIDGE_PREFIX}{index}"
        self._owner = owner
        self._subnet = self.pods = list(PODS.subnets(new_prefix=MESH_PREFIX))[index]
        self.service_cidr = str(list(SERVICES.subnets(new_prefix=MESH_PREFIX))[index])
        self._gateway = self._subnet[1]
        self.discovery_host = str(self._gateway)
        self.resolver = f"{self._gateway}:{RESOLVER_PORT}"
        self.proxy_credentials = {
            Owner.ID: Credentials(PROXY_ID, PROXY_ID),
            Owner.GROUP: Credentials(None, PROXY_ID, capabilities=frozenset()),
            Owner.MARK: Credentials(),
        }[owner]
        self._free = self._addresses()
        self._cables = itertools.count(1)
        self._attached: dict[str, tuple[str, Attachment]] = {}

    def create(self) -> None:
        links.set_up("lo")
        links.add_bridge(self.bridge)
        links.add_address(self.bridge, self._interface(self._gateway))

    def attach(self, pod: str, *, has_proxy: bool) -> Attachment:
        address = next(self._free, None)
        if address is None:
            raise LocalError(f"no address left in {self._subnet} for {pod}")
        cable = f"{self.bridge}p{next(self._cables)}"
        namespace = NetworkNamespace.create()
        try:
            links.add_cable(cable, bridge=self.bridge, inside=INSIDE, namespace=namespace.handle)
            with namespace.entered():
                self._configure(address)
        except BaseException:
            namespace.close()
            raise
        attachment = Attachment(str(address), str(address), namespace)
        self._attached[pod] = (cable, attachment)
        return attachment

    def capture(self, attachment: Attachment, capture: Capture) -> None:
        assert attachment.namespace is not None, "pods of a bridge have namespaces"
        control_plane = IPv4Network(self._gateway)  # of no interest to the mesh itself
        whole = replace(
            capture,
            owner=self._owner,
            name_servers=(control_plane,),  # what the pods' resolv.conf names
            ranges_excluded=(*capture.ranges_excluded, control_plane)
            if self._owner is Owner.MARK
            else capture.ranges_excluded,
        )
        with attachment.namespace.entered():
            nftables.install(chains(whole))

    def release(self, pod: str) -> None:
        found = self._attached.pop(pod, None)
        if found is None:
            return
        cable, attachment = found
        links.delete(cable)
        if attachment.namespace is not None:
            attachment.namespace.close()

    def close(self) -> None:
        for pod in list(self._attached):
            self.release(pod)
        links.delete(self.bridge)

    def _configure(self, address: IPv4Address) -> None:
        set_kernel_option("net/ipv6/conf/all/disable_ipv6", "1")
        set_kernel_option("net/ipv4/ip_unprivileged_port_start", "0")
        links.set_up("lo")
        links.add_address(INSIDE, self._interface(address))
        links.set_up(INSIDE)
        links.add_default_route(self._gateway)

    def _interface(self, address: IPv4Address) -> IPv4Interface:
        return IPv4Interface(f"{address}/{MESH_PREFIX}")

    def _addresses(self) -> "itertools.chain[IPv4Address]":
        """Each address once before any is used again, so that a late packet finds nobody."""
        hosts = [address for address in self._subnet.hosts() if address != self._gateway]
        return itertools.chain(hosts)


def free_index(taken: set[str]) -> int:
    """The first mesh number whose bridge neither a known mesh nor anybody else has."""
    for index in range(MESHES):
        name = f"{BRIDGE_PREFIX}{index}"
        if name not in taken and not links.index(name):
            return index
    raise LocalError(f"{MESHES} meshes run already; stop one with: lateen down --name NAME")


def remove_leftover(bridge: str) -> bool:
    """The bridge of a mesh that was killed, with the cables in it."""
    removed = False
    outside.remove_rules(bridge)
    with contextlib.suppress(OSError):
        for cable in links.names(f"{bridge}p"):
            removed = links.delete(cable) or removed
        removed = links.delete(bridge) or removed
    return removed
