"""A proxy as it presents itself, and the class of proxies that must be sent the same.

    Proxy       one connected Envoy: its node id and metadata, after its identity was checked
    ProxyClass  what configuration may depend on; proxies of one class share every cell

Nothing is computed per proxy. A translation function that needs less than the whole class narrows
it first (`OutboundScope`, for instance), so that classes share cells too.
"""

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import NamedTuple

from lateen.api.resource import Key
from lateen.catalog.service import Locality

UNKNOWN = Locality()


class ProxyKind(StrEnum):
    SIDECAR = "sidecar"
    ROUTER = "router"
    WAYPOINT = "waypoint"


class Interception(StrEnum):
    REDIRECT = "REDIRECT"
    TPROXY = "TPROXY"
    NONE = "NONE"  # explicit mode: listeners bind; nothing is captured


class Families(StrEnum):
    """Which families of addresses a proxy is to use."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"
    BOTH = "dual stack"


class PatchName(NamedTuple):
    """One of an EnvoyFilter's `configPatches` as it is written: another text is another patch."""

    owner: Key
    place: int  # in `configPatches`
    digest: str


@dataclass(frozen=True, slots=True)
class ProxyClass:
    """Hashable; equal classes are sent equal bytes. Every field is a reason to differ."""

    kind: ProxyKind = ProxyKind.SIDECAR
    namespace: str = "default"
    labels: tuple[tuple[str, str], ...] = ()
    service_account: str = "default"
    cluster: str = "Kubernetes"
    network: str = ""
    locality: Locality = UNKNOWN
    node: str = ""  # only where it matters: services with node-local traffic policy
    interception: Interception = Interception.REDIRECT
    dns_capture: bool = False
    dns_auto_allocate: bool = False
    http10: bool = False
    http_proxy_port: int = 0
    unprivileged: bool = False
    generator: str = ""  # "grpc" for proxyless clients
    ipv4: bool = True  # which families its own addresses are of
    ipv6: bool = False
    dual_stack: bool = False  # asked to use both of them at once
    addresses: tuple[str, ...] = ()  # own IPs, kept only where configuration depends on them
    loopback_index: int = 0  # explicit mode: last byte of the loopback addresses this proxy binds
    dns_domain: str = "default.svc.cluster.local"
    settings: tuple[tuple[str, str], ...] = field(default=())  # other metadata that matters, sorted
    left_out: tuple[PatchName, ...] = ()  # patches that the proxy has shown not to accept
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        """Classes are in the key of many memos, so their hash is made once."""
        compared = (getattr(self, each.name) for each in fields(self) if each.compare)
        object.__setattr__(self, "_hash", hash(tuple(compared)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def families(self) -> Families:
        if self.ipv4 and self.ipv6 and self.dual_stack:
            return Families.BOTH
        return Families.IPV4 if self.ipv4 else Families.IPV6

    @property
    def is_proxyless(self) -> bool:
        """gRPC that speaks xDS itself."""
        return self.generator == "grpc"

    def label(self, name: str) -> str | None:
        return next((value for key, value in self.labels if key == name), None)


@dataclass(frozen=True, slots=True)
class Proxy:
    """One Envoy (or proxyless client)."""

    id: str  # `<name>.<namespace>`
    kind: ProxyKind
    addresses: tuple[str, ...]
    proxy_class: ProxyClass
    metadata: tuple[tuple[str, str], ...] = ()  # raw, for debugging output
    version: str = ""
