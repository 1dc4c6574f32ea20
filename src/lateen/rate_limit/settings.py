"""What `lateen rate-limit` is told on its command line."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from lateen.agent.settings import DiscoverySettings
from lateen.control.http import UnixAddress
from lateen.rate_limit.limits import ROOT_NAMESPACE
from lateen.rate_limit.memory import COUNTERS
from lateen.xds.transport.listener import Address, parse_address

LISTEN = "127.0.0.1:8081"
REDIS_SECONDS = 0.05  # half of what proxies wait for an answer


class Window(StrEnum):
    FIXED = "fixed"
    SLIDING = "sliding"


class WhenRedisFails(StrEnum):
    ERROR = "error"  # no answer: the failure mode of the proxies decides
    MEMORY = "memory"  # this server counts alone until Redis is back


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Port 0 takes a free one. Without `discovery` it listens on loopback alone, without TLS."""

    folders: tuple[Path, ...] = ()
    config_files: tuple[Path, ...] = ()
    config_maps: tuple[tuple[str, str], ...] = ()  # namespace, name
    listen: Address = field(default_factory=lambda: parse_address(LISTEN))
    admin: Address | UnixAddress | None = None
    discovery: DiscoverySettings | None = None
    trust_domains: tuple[str, ...] = ()  # besides the one of its own certificate
    redis: str = ""
    redis_seconds: float = REDIS_SECONDS
    when_redis_fails: WhenRedisFails = WhenRedisFails.ERROR
    window: Window = Window.FIXED
    counters: int = COUNTERS
    namespace: str = "default"  # of objects that name none
    root_namespace: str = ROOT_NAMESPACE
    drain_seconds: float = 5.0
