"""Which ports of gateways are reachable from this machine, by the Services that select them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lateen.api.kubernetes.service import ServiceSpec
from lateen.api.resource import Resource
from lateen.local.container_plan import References
from lateen.local.injection import ProxyRole
from lateen.local.plan import PodPlan
from lateen.local.service_directory import target_port
from lateen.local.settings import Settings

STATUS_PORTS = (15021, 15020, 15090)


@dataclass(frozen=True, slots=True)
class GatewayPort:
    """`port` is what the user's Service calls it, `target` where the pod listens."""

    controller: tuple[str, str, str]
    port: int
    target: int


def ports(
    pods: Iterable[PodPlan], resources: Iterable[Resource[Any]], settings: Settings
) -> tuple[GatewayPort, ...]:
    known = tuple(resources)
    references = References.of((), settings)
    found: dict[GatewayPort, None] = {}
    for plan in pods:
        if plan.proxy is not ProxyRole.GATEWAY:
            continue
        served = list(_of_services(plan, known, references)) or list(_of_gateways(plan, known))
        found |= dict.fromkeys(served)
    return tuple(found)


def _of_services(
    plan: PodPlan, resources: Iterable[Resource[Any]], references: References
) -> Iterator[GatewayPort]:
    for resource in resources:
        if resource.kind != "Service" or references.namespace(resource) != plan.namespace:
            continue
        spec: ServiceSpec = resource.spec
        if not spec.selector or not _selects(spec.selector, plan.labels):
            continue
        for port in spec.ports:
            if port.port not in STATUS_PORTS and (port.protocol or "TCP") == "TCP":
                target = target_port(plan, port.target_port) or port.port
                yield GatewayPort(plan.controller, port.port, target)


def _of_gateways(plan: PodPlan, resources: Iterable[Resource[Any]]) -> Iterator[GatewayPort]:
    """A gateway without a Service listens on the ports that its Gateways name."""
    for resource in resources:
        if resource.kind != "Gateway" or "istio" not in resource.api_version:
            continue
        if _selects(resource.spec.selector, plan.labels):
            for server in resource.spec.servers:
                if server.port is not None:
                    yield GatewayPort(plan.controller, server.port.number, server.port.number)


def _selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.items())
