"""RateLimit, Lateen's own kind: how many requests or connections a workload or gateway takes.

    rules        HTTP: whom a rule covers (written as in an AuthorizationPolicy), what has a budget
                 of its own (`by`), and how much that is: at each proxy (`local`) or for all of
                 them together (`global`)
    connections  any protocol: how fast new connections come in
    response     what a refused request is answered
    service      who counts global limits

It applies where traffic arrives: at the sidecars of the workloads that it selects, and at gateways.
"""

from enum import StrEnum

from lateen.api.authorization_policy import Rule
from lateen.api.duration import Duration
from lateen.api.resource import Spec
from lateen.api.scalars import UInt32
from lateen.api.selector import PolicyTargetReference, WorkloadSelector

ABSENT = "-"  # what is counted for a request that lacks the header, claim, ...
SERVICE_PORT = 8081  # as Envoy's reference server has it
SERVICE_NAME = "lateen-rate-limit"  # of the service that ships with Lateen; also its account
DOMAIN = "lateen"


class Unit(StrEnum):
    SECOND = "SECOND"
    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"


class LocalLimit(Spec, frozen=True):
    """A token bucket at each proxy: filled evenly by `requests` a unit, holding `burst`."""

    requests: UInt32 = 0
    unit: Unit = Unit.SECOND
    burst: UInt32 = 0  # 0: as many as `requests`


class GlobalLimit(Spec, frozen=True):
    """Counted by the rate limit service for all proxies together, in windows of one unit.

    Without `requests` the service knows the limit, by a configuration of its own; it is then asked
    with the entries of `by` alone.
    """

    requests: UInt32 = 0
    unit: Unit = Unit.SECOND


class HeaderValue(Spec, frozen=True):
    name: str = ""
    default: str = ABSENT


class ClaimValue(Spec, frozen=True):
    """A claim of the verified token, by its path in the payload. Text counts; else `default`."""

    path: tuple[str, ...] = ()
    default: str = ABSENT


class Principal(Spec, frozen=True):
    """The SPIFFE identity in the client's verified certificate."""

    default: str = ABSENT


class RemoteAddress(Spec, frozen=True):
    """The client's address, as trusted proxies tell it; with a prefix, the network it is in."""

    ipv4_prefix: UInt32 | None = None
    ipv6_prefix: UInt32 | None = None


class Path(Spec, frozen=True):
    """The path without its query; with templates (`/users/{*}`), the first that matches it."""

    templates: tuple[str, ...] = ()
    default: str = ABSENT


class FixedValue(Spec, frozen=True):
    """The same for every request: for servers whose configuration asks for it."""

    value: str = ""


class Destination(Spec, frozen=True):
    """The cluster that the request is routed to; at gateways it names the service."""


class Dimension(Spec, frozen=True):
    """Requests that differ in this have budgets of their own. `key` names it to the service."""

    ONEOFS = (("header", "claim", "principal", "remote_address", "path", "fixed", "destination"),)

    key: str = ""  # empty: named after what it is
    header: HeaderValue | None = None
    claim: ClaimValue | None = None
    principal: Principal | None = None
    remote_address: RemoteAddress | None = None
    path: Path | None = None
    fixed: FixedValue | None = None
    destination: Destination | None = None


class RateLimitRule(Rule, frozen=True):
    """One limit. `from`, `to` and `when` choose requests as in an AuthorizationPolicy."""

    ONEOFS = (("local", "global_"),)

    name: str = ""
    by: tuple[Dimension, ...] = ()
    local: LocalLimit | None = None
    global_: GlobalLimit | None = None
    shadow: bool = False  # count, and refuse nothing


class LocalConnections(Spec, frozen=True):
    """A token bucket of new connections at each proxy."""

    connections: UInt32 = 0
    unit: Unit = Unit.SECOND
    burst: UInt32 = 0


class GlobalConnections(Spec, frozen=True):
    connections: UInt32 = 0
    unit: Unit = Unit.SECOND


class ConnectionRule(Spec, frozen=True):
    """How fast connections are accepted on ports of the workload; those beyond are closed."""

    ONEOFS = (("local", "global_"),)

    name: str = ""
    ports: tuple[UInt32, ...] = ()  # of the workload or the gateway's listener; empty: all
    local: LocalConnections | None = None
    global_: GlobalConnections | None = None


class RateLimitHeaders(StrEnum):
    """Which headers tell clients of their budget."""

    NONE = "NONE"
    DRAFT_VERSION_03 = "DRAFT_VERSION_03"  # x-ratelimit-limit, -remaining, -reset; retry-after


class RefusedResponse(Spec, frozen=True):
    status: UInt32 = 429
    headers: dict[str, str] = {}  # added to refusals
    rate_limit_headers: RateLimitHeaders = RateLimitHeaders.DRAFT_VERSION_03


class FailureMode(StrEnum):
    """What becomes of requests while the service cannot be asked."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class RateLimitService(Spec, frozen=True):
    """A server of Envoy's rate limit protocol, as a service of the mesh. Empty host: Lateen's."""

    host: str = ""
    port: UInt32 = SERVICE_PORT
    domain: str = DOMAIN
    timeout: Duration | None = None  # None: see `translate.rate_limit.service`
    failure_mode: FailureMode = FailureMode.ALLOW


class RateLimit(Spec, frozen=True):
    selector: WorkloadSelector | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    rules: tuple[RateLimitRule, ...] = ()
    connections: tuple[ConnectionRule, ...] = ()
    response: RefusedResponse = RefusedResponse()
    service: RateLimitService = RateLimitService()


def is_global(spec: RateLimit) -> bool:
    """Whether a rate limit service is needed."""
    return any(rule.global_ is not None for rule in spec.rules) or any(
        rule.global_ is not None for rule in spec.connections
    )


def asks_lateen(spec: RateLimit) -> bool:
    """Whether the service that ships with Lateen is needed."""
    return is_global(spec) and not spec.service.host
