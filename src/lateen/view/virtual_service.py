"""VirtualServices as routing needs them, and which of them owns a host.

Names are resolved here: hosts, destinations and mirrors are FQDNs, gateways `namespace/name` (or
`mesh`), delegates are merged into the routes of their parent.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from lateen.api.resource import Key, Resource
from lateen.api.virtual_service import (
    Destination,
    HTTPMatchRequest,
    HTTPRoute,
    TCPRoute,
    TLSRoute,
    VirtualService,
)
from lateen.base.incremental import derived
from lateen.view import delegate, hosts, names, ownership, selection
from lateen.view.mesh import Mesh
from lateen.view.names import MESH
from lateen.view.outbound_scope import EgressListener, OutboundScope, Sight, listeners_of

KIND = "VirtualService"
CONSUMERS = ("internal.istio.io/route-semantics", "gateway")

__all__ = [
    "MESH",
    "RoutedVirtualService",
    "gateway_virtual_services",
    "routed",
    "virtual_service_for",
    "virtual_services",
]


@dataclass(frozen=True, slots=True)
class RoutedVirtualService:
    key: Key
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    export_to: frozenset[str]  # `*`, or namespaces (`.` resolved); empty: nobody
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[TLSRoute, ...] = ()
    tcp: tuple[TCPRoute, ...] = ()
    age: tuple[str, str, str] = ("", "", "")
    annotations: tuple[tuple[str, str], ...] = ()


@derived
def routed(mesh: Mesh, key: Key) -> RoutedVirtualService | None:
    """One VirtualService with names resolved and delegates merged; None: absent or a delegate."""
    resource = mesh.resource(key)
    if resource is None or not resource.spec.hosts:
        return None
    spec = _resolved(resource.spec, key.namespace, mesh.domain)
    exports = _exports(mesh, resource)
    return RoutedVirtualService(
        key=key,
        hosts=spec.hosts,
        gateways=spec.gateways,
        export_to=exports,
        http=tuple(_with_delegates(mesh, spec.http, key.namespace)),
        tls=spec.tls,
        tcp=spec.tcp,
        age=resource.age,
        annotations=tuple(sorted(resource.meta.annotations.items())),
    )


def virtual_service_for(
    mesh: Mesh, scope: OutboundScope, index: int, hostname: str
) -> RoutedVirtualService | None:
    """The one that owns the hostname on sidecars: most specific host first, then the oldest.

    `index` is the egress listener's. For a wildcard hostname a rule must cover all of it.
    """
    return owner_of(mesh, scope.sight, index, hostname)


def virtual_services(
    mesh: Mesh, scope: OutboundScope, index: int
) -> tuple[RoutedVirtualService, ...]:
    """All that the egress listener imports for sidecars, in age order."""
    return imported(mesh, scope.sight, index)


@derived
def gateway_virtual_services(
    mesh: Mesh, gateway: Key, proxy_namespace: str
) -> tuple[RoutedVirtualService, ...]:
    """All bound to the Gateway and exported to the proxy's namespace, in age order."""
    return _visible(
        mesh,
        mesh.index.keys("virtual service", f"{gateway.namespace}/{gateway.name}"),
        proxy_namespace,
    )


@derived
def owner_of(mesh: Mesh, sight: Sight, index: int, hostname: str) -> RoutedVirtualService | None:
    listener = listeners_of(mesh, sight)[index]
    for bucket in hosts.buckets(hostname):
        found = []
        for key in mesh.index.keys("sidecar host", bucket):
            rule = routed(mesh, key)
            if rule is None or not _comes_in(rule, listener, sight.namespace):
                continue
            if not _speaks_for(mesh, rule, sight.namespace, hostname):
                continue
            covering = [
                host
                for host in rule.hosts
                if hosts.bucket(host) == bucket and hosts.is_subset(hostname, host)
            ]
            if covering:
                best = min(covering, key=hosts.specificity)
                theirs = not _is_consumers(rule, sight.namespace)
                found.append((hosts.specificity(best)[:2], theirs, rule.age, rule))
        if found:
            return min(found, key=lambda item: item[:3])[3]
    return None


def _is_consumers(rule: RoutedVirtualService, namespace: str) -> bool:
    """A Gateway API route of the clients' own namespace beats those of the service's."""
    return rule.export_to == frozenset((namespace,)) and CONSUMERS in rule.annotations


@derived
def imported(mesh: Mesh, sight: Sight, index: int) -> tuple[RoutedVirtualService, ...]:
    listener = listeners_of(mesh, sight)[index]
    visible = _visible(mesh, mesh.index.keys("virtual service", MESH), sight.namespace)
    imported_rules = (rule for rule in visible if _comes_in(rule, listener, sight.namespace))
    return tuple(_without_foreign_hosts(mesh, imported_rules, sight.namespace))


@derived
def imported_keys(mesh: Mesh, sight: Sight, index: int) -> tuple[Key, ...]:
    """The same by key: unchanged when only routes change."""
    return tuple(rule.key for rule in imported(mesh, sight, index))


@derived
def destinations(mesh: Mesh, key: Key, namespace: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Hosts that clients of the namespace are sent to, with ports (none written: empty), sorted."""
    rule = routed(mesh, key)
    found: dict[str, set[int]] = {}
    for target in _targets(rule, namespace) if rule is not None else ():
        ports = found.setdefault(target.host, set())
        ports.add(target.port.number if target.port is not None else 0)
    return tuple(
        (host, () if 0 in ports else tuple(sorted(ports))) for host, ports in sorted(found.items())
    )


def _visible(mesh: Mesh, keys: tuple[Key, ...], namespace: str) -> tuple[RoutedVirtualService, ...]:
    found = [
        rule
        for key in keys
        if (rule := routed(mesh, key)) is not None
        and selection.is_exported(rule.export_to, namespace)
    ]
    return tuple(sorted(found, key=lambda rule: rule.age))


def _comes_in(rule: RoutedVirtualService, listener: EgressListener, namespace: str) -> bool:
    if not selection.is_exported(rule.export_to, namespace):
        return False
    return listener.imports_all or any(
        listener.imports_rule(host, rule.key.namespace) for host in rule.hosts
    )


def _speaks_for(mesh: Mesh, rule: RoutedVirtualService, client: str, hostname: str) -> bool:
    owner = rule.key.namespace
    return ownership.speaks_for(mesh, KIND, owner, client=client, hostname=hostname)


def _without_foreign_hosts(
    mesh: Mesh, rules: Iterable[RoutedVirtualService], client: str
) -> Iterator[RoutedVirtualService]:
    for rule in rules:
        spoken = tuple(host for host in rule.hosts if _speaks_for(mesh, rule, client, host))
        if len(spoken) == len(rule.hosts):
            yield rule
        elif spoken:
            yield dataclasses.replace(rule, hosts=spoken)


def _exports(mesh: Mesh, resource: Resource[VirtualService]) -> frozenset[str]:
    """A consumer's Gateway API route, of another namespace than the host, is for that alone."""
    spec, namespace = resource.spec, resource.namespace
    is_route = CONSUMERS in resource.meta.annotations.items() and spec.gateways == (MESH,)
    if is_route and not any(mesh.index.keys("hostname", host, namespace) for host in spec.hosts):
        return frozenset((namespace,))
    default = mesh.config.default_virtual_service_export_to
    return selection.export_set(resource.spec.export_to, resource.namespace, default)


def _with_delegates(
    mesh: Mesh, routes: tuple[HTTPRoute, ...], namespace: str
) -> Iterator[HTTPRoute]:
    for route in routes:
        if route.delegate is None:
            yield route
            continue
        owner = route.delegate.namespace or namespace
        found = mesh.resource(Key("VirtualService", owner, route.delegate.name))
        if found is None or found.spec.hosts:
            continue  # the route has nowhere to go
        if selection.is_exported(_exports(mesh, found), namespace):
            child = _resolved(found.spec, owner, mesh.domain)
            leaves = tuple(item for item in child.http if item.delegate is None)
            yield from delegate.merged_routes(replace(route, delegate=None), leaves)


def _targets(rule: RoutedVirtualService, namespace: str) -> Iterator[Destination]:
    for http in rule.http:
        sources = [match.source_namespace for match in http.match]
        if sources and all(source not in ("", namespace) for source in sources):
            continue
        for weighted in http.route:
            if weighted.destination is not None:
                yield weighted.destination
        if http.mirror is not None:
            yield http.mirror
        for policy in http.mirrors:
            if policy.destination is not None:
                yield policy.destination
    layer4 = (*(item.route for item in rule.tls), *(item.route for item in rule.tcp))
    for targets in layer4:
        yield from (item.destination for item in targets if item.destination is not None)


def _resolved(spec: VirtualService, namespace: str, domain: str) -> VirtualService:
    """With FQDNs and `namespace/name` gateways throughout."""

    def at(target: Destination | None) -> Destination | None:
        if target is None:
            return None
        return replace(target, host=hosts.qualified(target.host, namespace, domain))

    def match(item: HTTPMatchRequest) -> HTTPMatchRequest:
        if not item.gateways:
            return item
        return replace(item, gateways=names.gateway_names(item.gateways, namespace))

    def http(route: HTTPRoute) -> HTTPRoute:
        return replace(
            route,
            match=tuple(match(item) for item in route.match),
            route=tuple(replace(item, destination=at(item.destination)) for item in route.route),
            mirror=at(route.mirror),
            mirrors=tuple(
                replace(item, destination=at(item.destination)) for item in route.mirrors
            ),
        )

    def tls(route: TLSRoute) -> TLSRoute:
        return replace(
            route,
            match=tuple(
                replace(item, gateways=names.gateway_names(item.gateways, namespace))
                if item.gateways
                else item
                for item in route.match
            ),
            route=tuple(replace(item, destination=at(item.destination)) for item in route.route),
        )

    def tcp(route: TCPRoute) -> TCPRoute:
        return replace(
            route,
            match=tuple(
                replace(item, gateways=names.gateway_names(item.gateways, namespace))
                if item.gateways
                else item
                for item in route.match
            ),
            route=tuple(replace(item, destination=at(item.destination)) for item in route.route),
        )

    return replace(
        spec,
        hosts=names.virtual_service_hosts(spec.hosts, namespace, domain),
        gateways=names.gateway_names(spec.gateways, namespace),
        http=tuple(http(route) for route in spec.http),
        tls=tuple(tls(route) for route in spec.tls),
        tcp=tuple(tcp(route) for route in spec.tcp),
    )
