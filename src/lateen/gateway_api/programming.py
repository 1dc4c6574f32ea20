"""Whether the services in front of a Gateway exist and have the ports of its listeners."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lateen.api.gateway_api.gateway import GatewaySpec
from lateen.api.resource import Key, Resource
from lateen.gateway_api.classes import service_names
from lateen.gateway_api.listener_status import condition
from lateen.gateway_api.sources import Sources


@dataclass(frozen=True, slots=True)
class Programming:
    condition: dict[str, str]
    addresses: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Front:
    """A service as far as it matters here."""

    ports: frozenset[int]
    external: tuple[str, ...]


def programming(mesh: Sources, gateway: Resource[GatewaySpec], ports: Iterable[int]) -> Programming:
    wanted = sorted(set(ports))
    assigned: list[str] = []
    missing: list[str] = []
    external: dict[str, None] = {}
    internal: dict[str, None] = {}
    for hostname in service_names(mesh, gateway):
        front = _front(mesh, gateway.namespace, hostname)
        if front is None:
            missing.append(f'hostname "{hostname}" not found')
            continue
        for port in wanted:
            if port in front.ports:
                assigned.append(f"{hostname}:{port}")
                internal[f"{hostname}:{port}"] = None
                external.update(dict.fromkeys(front.external))
            else:
                missing.append(f'port {port} not found for hostname "{hostname}"')
    return Programming(_condition(sorted(assigned), sorted(missing)), _addresses(external))


def _condition(assigned: Sequence[str], missing: Sequence[str]) -> dict[str, str]:
    if not missing:
        message = f"Resource programmed, assigned to service(s) {_listed(assigned)}"
        return condition("Programmed", "Programmed", message)
    if assigned:
        message = f"Assigned to service(s) {_listed(assigned)}, but failed to assign to all "
        message += f"requested addresses: {'; '.join(missing)}"
    else:
        message = f"Failed to assign to any requested addresses: {'; '.join(missing)}"
    return condition("Programmed", "AddressNotUsable", message, holds=False)


def _listed(items: Sequence[str]) -> str:
    if len(items) < 3:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"


def _addresses(external: Iterable[str]) -> tuple[dict[str, str], ...]:
    return tuple({"type": _type(each), "value": each} for each in external)


def _type(address: str) -> str:
    return "IPAddress" if is_ip(address) else "Hostname"


def is_ip(text: str) -> bool:
    return text.replace(".", "").isdigit() or ":" in text


def _front(mesh: Sources, namespace: str, hostname: str) -> Front | None:
    name, _, rest = hostname.partition(".")
    if rest == f"{namespace}.svc.{mesh.domain}":
        found = mesh.resource(Key("Service", namespace, name))
        if found is not None:
            numbers = frozenset(each.port for each in found.spec.ports)
            return Front(numbers, tuple(external_addresses(found)))
    for entry in mesh.of_kind("ServiceEntry", namespace):
        if hostname in entry.spec.hosts:
            return Front(frozenset(each.number for each in entry.spec.ports), ())
    return None


def external_addresses(service: Resource[Any]) -> Iterator[str]:
    """Where a Service can be reached from outside: its load balancer's, and external IPs."""
    balancer = service.status.load_balancer if service.status is not None else None
    for each in balancer.ingress if balancer is not None else ():
        yield each.ip or each.hostname
    yield from service.spec.external_ips
