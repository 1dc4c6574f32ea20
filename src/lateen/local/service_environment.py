"""`<SERVICE>_SERVICE_HOST` and `_PORT`, which Kubernetes gives every container.

Where names resolve the host is the Service's full name, which stays right when addresses change. In
explicit mode it is the loopback address at which the pod's own proxy serves it, which the control
plane chooses and tells.
"""

import asyncio
import http.client
import ipaddress
import json
from collections.abc import Iterable
from typing import Any

from lateen.api.resource import Resource
from lateen.local.network import Attachment, Network

DOMAIN = "cluster.local"
REGISTRY = "/debug/registryz"
TIMEOUT_SECONDS = 5.0


class ServiceEnvironment:
    """Knows the Services of the manifests; `update` it when they change."""

    def __init__(self, network: Network, admin: tuple[str, int]) -> None:
        self._network, self._admin = network, admin
        self._services: tuple[Resource[Any], ...] = ()

    def update(self, resources: Iterable[Resource[Any]]) -> None:
        self._services = tuple(item for item in resources if item.kind == "Service")

    async def of(self, namespace: str, attachment: Attachment) -> dict[str, str]:
        """For a container of a pod in `namespace`: its own namespace's Services."""
        addresses: dict[str, str] = {}
        if not self._network.captures:
            addresses = await asyncio.to_thread(service_addresses, self._admin)
        found: dict[str, str] = {}
        for service in self._services:
            if service.namespace != namespace or not service.spec.ports:
                continue
            hostname = f"{service.name}.{service.namespace}.svc.{DOMAIN}"
            host = own_address(addresses.get(hostname, ""), attachment.index) or hostname
            prefix = service.name.upper().replace("-", "_").replace(".", "_")
            found[f"{prefix}_SERVICE_HOST"] = host
            found[f"{prefix}_SERVICE_PORT"] = str(service.spec.ports[0].port)
            for port in service.spec.ports:
                if port.name:
                    name = port.name.upper().replace("-", "_")
                    found[f"{prefix}_SERVICE_PORT_{name}"] = str(port.port)
        return found


def own_address(address: str, index: int) -> str:
    """The service's address with the pod's last byte; empty for what is no loopback address."""
    try:
        place = ipaddress.IPv4Address(address)
    except ValueError:
        return ""
    return str(ipaddress.IPv4Address(int(place) & 0xFFFFFF00 | index)) if place.is_loopback else ""


def service_addresses(admin: tuple[str, int]) -> dict[str, str]:
    """Hostname to first address, as the control plane has them; empty while it does not answer."""
    connection = http.client.HTTPConnection(*admin, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", REGISTRY)
        content = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return {
        str(service.get("hostname", "")): str(service["addresses"][0])
        for service in content
        if service.get("addresses")
    }
