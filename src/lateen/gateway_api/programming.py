"""Whether the services in front of a Gateway exist, have its ports, and can be reached.

    usable      the service is there and has the port        internal: `hostname:port`
    assigned    a load balancer has given it an address      external: what clients dial

Without an external address the internal ones are told, as the class wants them: by name, by
ClusterIP, or both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.resource import Key, Resource
from lateen.gateway_api import classes, sources
from lateen.gateway_api.listener_status import condition
from lateen.gateway_api.sources import Sources

ADDRESS_TYPE = "networking.istio.io/address-type"
BY_NAME, BY_ADDRESS = "Hostname", "IPAddress"
LOAD_BALANCER, HEADLESS = "LoadBalancer", "None"


@dataclass(frozen=True, slots=True)
class Programming:
    condition: dict[str, str]
    addresses: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Front:
    """A service as far as it matters here. `targets` are ports of its pods, by its own."""

    ports: frozenset[int]
    targets: tuple[tuple[int, int], ...] = ()
    cluster_ip: str = ""
    external: tuple[str, ...] = ()
    awaits_balancer: bool = False
    has_endpoints: bool = True


@dataclass(slots=True)
class Tally:
    """What is found of all services."""

    usable: list[str] = field(default_factory=list)  # hostname:port
    names: dict[str, None] = field(default_factory=dict)
    cluster_ips: dict[str, None] = field(default_factory=dict)
    external: dict[str, None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    all_usable: bool = True


def programming(mesh: Sources, gateway: Resource[GatewaySpec], ports: Iterable[int]) -> Programming:
    wanted, tally = sorted(set(ports)), Tally()
    for hostname in classes.service_names(mesh, gateway):
        front = _front(mesh, gateway.namespace, hostname)
        if front is None:
            tally.warnings.append(_absence(mesh, gateway.namespace, hostname))
            tally.all_usable = False
        else:
            _count(tally, hostname, front, wanted)
    return Programming(_condition(tally), _addresses(tally, _address_type(mesh, gateway)))


def _count(tally: Tally, hostname: str, front: Front, wanted: Iterable[int]) -> None:
    for port in wanted:
        if not front.has_endpoints:
            _warn(tally, f'no instances found for hostname "{hostname}"')
        elif port not in front.ports:
            message = f'port {port} not found for hostname "{hostname}"'
            meant = sorted(str(own) for own, target in front.targets if target == port)
            if meant:
                message += " (hint: the service port should be specified, not the workload port. "
                message += f"Did you mean one of these ports: [{' '.join(meant)}]?)"
            tally.warnings.append(message)
            tally.all_usable = False
        else:
            tally.usable.append(f"{hostname}:{port}")
            tally.external.update(dict.fromkeys(front.external))
            if front.cluster_ip:
                tally.cluster_ips[front.cluster_ip] = None
            if not front.external and front.awaits_balancer:
                _warn(tally, f'address pending for hostname "{hostname}"')
            else:
                tally.names[hostname] = None


def _warn(tally: Tally, message: str) -> None:
    """Once for all ports of a service."""
    if message not in tally.warnings:
        tally.warnings.append(message)


def _condition(tally: Tally) -> dict[str, str]:
    usable, warnings = sorted(tally.usable), sorted(tally.warnings)
    if not warnings:
        message = "Resource programmed"
        if usable:
            message += f", assigned to service(s) {_listed(usable)}"
        return condition("Programmed", "Programmed", message)
    if usable:
        message = f"Assigned to service(s) {_listed(usable)}, but failed to assign to all "
        message += f"requested addresses: {'; '.join(warnings)}"
    else:
        message = f"Failed to assign to any requested addresses: {'; '.join(warnings)}"
    reason = "AddressNotAssigned" if tally.all_usable else "AddressNotUsable"
    return condition("Programmed", reason, message, holds=False)


def _listed(items: Sequence[str]) -> str:
    if len(items) < 3:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"


def _addresses(tally: Tally, wanted: str) -> tuple[dict[str, str], ...]:
    found = list(tally.external)
    if not found:
        found += sorted(tally.cluster_ips) if wanted != BY_NAME else ()
        found += sorted(tally.names) if wanted != BY_ADDRESS else ()
    return tuple({"type": BY_ADDRESS if is_ip(each) else BY_NAME, "value": each} for each in found)


def _address_type(mesh: Sources, gateway: Resource[GatewaySpec]) -> str:
    """Of internal addresses; empty: both."""
    of_class = classes.class_of(mesh, gateway.spec)
    own = BY_NAME if of_class is classes.INGRESS else ""
    return gateway.meta.annotations.get(ADDRESS_TYPE, own)


def is_ip(text: str) -> bool:
    return text.replace(".", "").isdigit() or ":" in text


def _absence(mesh: Sources, namespace: str, hostname: str) -> str:
    others = sorted({f'"{key.namespace}"' for key in sources.definitions(mesh, hostname)})
    if not others:
        return f'hostname "{hostname}" not found'
    return (
        f'hostname "{hostname}" not found in namespace "{namespace}", but it was found in '
        f"namespace(s) {', '.join(others)}"
    )


def _front(mesh: Sources, namespace: str, hostname: str) -> Front | None:
    name, _, rest = hostname.partition(".")
    if rest == f"{namespace}.svc.{mesh.domain}":
        found = mesh.resource(Key("Service", namespace, name))
        if found is not None:
            return _of_service(mesh, found)
    for entry in mesh.of_kind("ServiceEntry", namespace):
        if hostname in entry.spec.hosts:
            return Front(frozenset(each.number for each in entry.spec.ports))
    return None


def _of_service(mesh: Sources, service: Resource[Any]) -> Front:
    spec = service.spec
    numbered = ((port.port, port.target_port) for port in spec.ports)
    return Front(
        ports=frozenset(port.port for port in spec.ports),
        targets=tuple((own, int(to)) for own, to in numbered if str(to or "").isdigit()),
        cluster_ip="" if spec.cluster_ip == HEADLESS else spec.cluster_ip,
        external=external_addresses(mesh, service),
        awaits_balancer=spec.type == LOAD_BALANCER,
        has_endpoints=_has_endpoints(mesh, service),
    )


def _has_endpoints(mesh: Sources, service: Resource[Any]) -> bool:
    """Ready pods or written endpoints; a Service without a selector may have some elsewhere."""
    selector: dict[str, str] = service.spec.selector
    if not selector or mesh.index.keys("slices", service.namespace, service.name):
        return True
    label, value = min(selector.items())
    pods = (
        mesh.resource(key)
        for key in mesh.index.keys("workload", service.namespace, label, value)
        if key.kind == "Pod"
    )
    return any(
        pod is not None and selector.items() <= pod.meta.labels.items() and _is_ready(pod)
        for pod in pods
    )


def _is_ready(pod: Resource[Any]) -> bool:
    """A pod of plain manifests has no status: it is taken to run."""
    conditions = pod.status.conditions if pod.status is not None else ()
    return all(each.status == "True" for each in conditions if each.type == "Ready")


def external_addresses(mesh: Sources, service: Resource[Any]) -> tuple[str, ...]:
    """Where a Service can be reached from outside: its load balancer's, and external IPs."""
    status, spec = service.status, service.spec
    balancer = status.load_balancer if status is not None else None
    given = [each.ip or each.hostname for each in balancer.ingress] if balancer is not None else []
    found = (*given, *spec.external_ips)
    if not found and spec.type == LOAD_BALANCER and mesh.balancer_address:
        return (mesh.balancer_address,)
    return found
