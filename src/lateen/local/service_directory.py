"""Services by name and by address, for those who are not behind a proxy: environments, plain pods.

Addresses are the control plane's choice, which it tells on its admin interface; ports and pods are
known here. In explicit mode a service's address is a loopback address, different for each pod.
"""

import asyncio
import ipaddress
import itertools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lateen.api.resource import Resource
from lateen.local import unix_http
from lateen.local.errors import LocalError
from lateen.local.network import Attachment, Network
from lateen.local.plan import PodPlan

DOMAIN = "cluster.local"
REGISTRY = "/debug/registryz"
FRESH_SECONDS = 2.0  # for so long what the control plane told is believed

Pods = Callable[[], Iterable[tuple[PodPlan, str]]]  # those that are ready, with their addresses


class ServiceDirectory:
    """Knows the Services of the manifests; `update` it when they change."""

    def __init__(self, network: Network, admin: Path, pods: Pods) -> None:
        self._network, self._admin, self._pods = network, admin, pods
        self._services: dict[str, Resource[Any]] = {}
        self._addresses: dict[str, str] = {}
        self._asked = -FRESH_SECONDS
        self._asking = asyncio.Lock()  # pods start together; all wait for one answer
        self._turn = itertools.count()

    def update(self, resources: Iterable[Resource[Any]]) -> None:
        self._services = {hostname(item): item for item in resources if item.kind == "Service"}
        self._asked = -FRESH_SECONDS

    async def environment(self, namespace: str, attachment: Attachment) -> dict[str, str]:
        """`<SERVICE>_SERVICE_HOST` and `_PORT` of a namespace's Services, as Kubernetes has them.

        Where names resolve the host is the Service's name, which outlives its address.
        """
        addresses = {} if self._network.captures else await self._told()
        found: dict[str, str] = {}
        for name, service in self._services.items():
            if service.namespace != namespace or not service.spec.ports:
                continue
            host = own_address(addresses.get(name, ""), attachment.index) or name
            prefix = service.name.upper().replace("-", "_").replace(".", "_")
            found[f"{prefix}_SERVICE_HOST"] = host
            found[f"{prefix}_SERVICE_PORT"] = str(service.spec.ports[0].port)
            for port in service.spec.ports:
                if port.name:
                    name_ = port.name.upper().replace("-", "_")
                    found[f"{prefix}_SERVICE_PORT_{name_}"] = str(port.port)
        return found

    def alias(self, name: str) -> str:
        """What an ExternalName Service stands for; empty: the name is no such Service."""
        service = self._services.get(name)
        if service is None or service.spec.type != "ExternalName":
            return ""
        return str(service.spec.external_name).rstrip(".").lower()

    async def addresses(self, name: str) -> tuple[str, ...] | None:
        """Of a hostname of the mesh: its ClusterIP, or its pods' when headless; None: unknown."""
        service = self._services.get(name)
        if service is None:
            return None
        if service.spec.cluster_ip == "None":
            return tuple(address for _, address in self._selected(service))
        found = service.spec.cluster_ip or (await self._told()).get(name, "")
        return (found,) if found else ()

    async def target(self, address: str, port: int) -> tuple[str, int] | None:
        """A ready pod behind a ClusterIP's port, in turn; None when that is no service's."""
        told = await self._told()
        for name, service in self._services.items():
            if address in (service.spec.cluster_ip, told.get(name)):
                return self._pod(service, port)
        return None

    def _pod(self, service: Resource[Any], port: int) -> tuple[str, int] | None:
        wanted = next((each for each in service.spec.ports if each.port == port), None)
        ready = self._selected(service)
        if wanted is None or not ready:
            return None
        plan, address = ready[next(self._turn) % len(ready)]
        return address, target_port(plan, wanted.target_port) or port

    def _selected(self, service: Resource[Any]) -> list[tuple[PodPlan, str]]:
        selector = service.spec.selector
        return [
            (plan, address)
            for plan, address in self._pods()
            if selector
            and plan.namespace == service.namespace
            and all(plan.labels.get(key) == value for key, value in selector.items())
        ]

    async def _told(self) -> dict[str, str]:
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now - self._asked >= FRESH_SECONDS:
                told = await asyncio.to_thread(service_addresses, self._admin)
                self._addresses = told or self._addresses
                self._asked = now if told else -FRESH_SECONDS
        return self._addresses


def hostname(service: Resource[Any]) -> str:
    return f"{service.name}.{service.namespace}.svc.{DOMAIN}"


def target_port(plan: PodPlan, target: int | str | None) -> int:
    """A Service's targetPort on this pod; 0 when it is the port itself."""
    if isinstance(target, int) or (target or "").isdecimal():
        return int(target or 0)
    named = (port for container in plan.spec.containers for port in container.ports)
    return next((port.container_port for port in named if port.name == target), 0)


def own_address(address: str, index: int) -> str:
    """The service's address with the pod's last byte; empty for what is no loopback address."""
    try:
        place = ipaddress.IPv4Address(address)
    except ValueError:
        return ""
    return str(ipaddress.IPv4Address(int(place) & 0xFFFFFF00 | index)) if place.is_loopback else ""


def service_addresses(admin: Path) -> dict[str, str]:
    """Hostname to first address, as the control plane has them; empty while it does not answer."""
    try:
        content = json.loads(unix_http.get(admin, REGISTRY))
    except (LocalError, ValueError):
        return {}
    return {
        str(service.get("hostname", "")): str(service["addresses"][0])
        for service in content
        if service.get("addresses")
    }
