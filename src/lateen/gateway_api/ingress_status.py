"""Status of Ingresses: where the gateway that serves them can be reached from outside."""

from collections.abc import Iterator
from typing import Any

from lateen.api.resource import Key, Resource
from lateen.gateway_api import ingress
from lateen.gateway_api.programming import external_addresses, is_ip
from lateen.gateway_api.sources import Sources


def status(mesh: Sources, found: Resource[Any]) -> dict[str, Any]:
    """Empty when it is of another class; no addresses while the gateway has none."""
    if not ingress.is_ours(mesh, found, mesh.config):
        return {}
    addresses = sorted(dict.fromkeys(_addresses(mesh)))
    points = [{"ip" if is_ip(each) else "hostname": each} for each in addresses]
    return {"loadBalancer": {"ingress": points} if points else {}}


def _addresses(mesh: Sources) -> Iterator[str]:
    """Of the Service that `ingressService` names, in the root namespace unless it says another.

    Without that Service: of those whose pods `ingressSelector` chooses.
    """
    namespace, slash, name = (mesh.config.ingress_service or "").rpartition("/")
    named = mesh.resource(Key("Service", namespace if slash else mesh.root_namespace, name))
    for service in (named,) if named is not None else _selected(mesh):
        yield from external_addresses(mesh, service)


def _selected(mesh: Sources) -> Iterator[Resource[Any]]:
    """Looks at all Services: for whoever asks for statuses, not for every change."""
    wanted = mesh.config.ingress_selector or ingress.DEFAULT_SELECTOR
    for kind, namespace in mesh.index.rows("kind"):
        for found in mesh.of_kind(kind, namespace) if kind == "Service" else ():
            if found.spec.selector.get(ingress.SELECTED_BY) == wanted:
                yield found
