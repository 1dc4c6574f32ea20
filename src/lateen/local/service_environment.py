"""`<SERVICE>_SERVICE_HOST` and `_PORT`, which Kubernetes gives every container.

Where names resolve the host is the Service's full name, which stays right when addresses change.
"""

from collections.abc import Iterable
from typing import Any

from lateen.api.resource import Resource
from lateen.local.network import Attachment, Network

DOMAIN = "cluster.local"


class ServiceEnvironment:
    """Knows the Services of the manifests; `update` it when they change."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._services: tuple[Resource[Any], ...] = ()

    def update(self, resources: Iterable[Resource[Any]]) -> None:
        self._services = tuple(item for item in resources if item.kind == "Service")

    def of(self, namespace: str, attachment: Attachment) -> dict[str, str]:
        """For a container of a pod in `namespace`: its own namespace's Services."""
        found: dict[str, str] = {}
        for service in self._services:
            if service.namespace != namespace or not service.spec.ports:
                continue
            prefix = service.name.upper().replace("-", "_").replace(".", "_")
            found[f"{prefix}_SERVICE_HOST"] = self._host(service)
            found[f"{prefix}_SERVICE_PORT"] = str(service.spec.ports[0].port)
            for port in service.spec.ports:
                if port.name:
                    name = port.name.upper().replace("-", "_")
                    found[f"{prefix}_SERVICE_PORT_{name}"] = str(port.port)
        return found

    def _host(self, service: Resource[Any]) -> str:
        return f"{service.name}.{service.namespace}.svc.{DOMAIN}"
