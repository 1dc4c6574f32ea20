"""What configuration says twice, in ways of which only one can hold: reported, never fatal.

    two VirtualServices for one host on sidecars    the oldest owns the host
    two servers of Gateways on one port             the oldest Gateway wins
    two subsets of one name for one host            the first counts

Each problem stands at the resource that does not take effect.
"""

from collections.abc import Iterator
from typing import Any

from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.base.problem import Problem, Severity
from lateen.view import hosts, selection
from lateen.view.gateway import rejected_servers
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind
from lateen.view.virtual_service import RoutedVirtualService, routed


@derived
def conflicts(mesh: Mesh) -> tuple[Problem, ...]:
    """All of them, sorted by resource."""
    found = (*_virtual_services(mesh), *_gateways(mesh), *_destination_rules(mesh))
    return tuple(sorted(found, key=lambda problem: (problem.resource, problem.path)))


def _virtual_services(mesh: Mesh) -> Iterator[Problem]:
    for (bucket,) in mesh.index.rows("sidecar host"):
        keys = mesh.index.keys("sidecar host", bucket)
        if len(keys) < 2:
            continue
        owners: dict[str, list[RoutedVirtualService]] = {}
        rules = [rule for key in keys if (rule := routed(mesh, key)) is not None]
        for rule in sorted(rules, key=lambda rule: rule.age):
            for place, host in enumerate(rule.hosts):
                if hosts.bucket(host) != bucket:
                    continue
                first = next((one for one in owners.get(host, ()) if _meet(one, rule)), None)
                if first is not None and first is not rule:
                    yield _problem(
                        mesh, rule.key, f"spec.hosts[{place}]",
                        code="virtual-service-conflict",
                        message=f"{host} already has the routes of {first.key} on sidecars",
                        hint="merge the two; on sidecars the older one takes the whole host",
                    )  # fmt: skip
                owners.setdefault(host, []).append(rule)


def _meet(one: RoutedVirtualService, other: RoutedVirtualService) -> bool:
    """Whether some namespace sees both."""
    if not one.export_to or not other.export_to:
        return False
    return "*" in one.export_to | other.export_to or bool(one.export_to & other.export_to)


def _gateways(mesh: Mesh) -> Iterator[Problem]:
    told: set[tuple[Key, int]] = set()
    selectors = {
        selection.as_labels(resource.spec.selector)
        for resource in mesh.all_of_kind("Gateway")
        if resource.spec.selector
    }
    for labels in sorted(selectors):
        for rejected in rejected_servers(mesh, ProxyClass(kind=ProxyKind.ROUTER, labels=labels)):
            server = rejected.server
            if (server.gateway, server.index) in told:
                continue
            told.add((server.gateway, server.index))
            yield _problem(
                mesh, server.gateway, f"spec.servers[{server.index}]",
                code="gateway-conflict",
                message=f"the server is left out: {rejected.reason}",
                hint="the oldest Gateway of a port wins; use another port or other hosts",
            )  # fmt: skip


def _destination_rules(mesh: Mesh) -> Iterator[Problem]:
    for namespace, bucket in mesh.index.rows("destination rule"):
        keys = mesh.index.keys("destination rule", namespace, bucket)
        if len(keys) < 2:
            continue
        first: dict[tuple[str, str, str], Key] = {}
        for rule in sorted(_resources(mesh, keys), key=lambda rule: rule.age):
            host = hosts.qualified(rule.spec.host, namespace, mesh.domain)
            selector = str(rule.spec.workload_selector)
            for place, subset in enumerate(rule.spec.subsets):
                owner = first.setdefault((host, selector, subset.name), rule.key)
                if owner != rule.key:
                    yield _problem(
                        mesh, rule.key, f"spec.subsets[{place}].name",
                        code="destination-rule-conflict",
                        message=f"subset {subset.name} of {host} is that of {owner}",
                        hint="rename one of the two; the older one counts",
                    )  # fmt: skip


def _resources(mesh: Mesh, keys: tuple[Key, ...]) -> list[Resource[Any]]:
    return [found for key in keys if (found := mesh.resource(key)) is not None]


def _problem(mesh: Mesh, key: Key, path: str, *, code: str, message: str, hint: str) -> Problem:
    resource = mesh.resource(key)
    return Problem(
        code=code,
        message=message,
        severity=Severity.WARNING,
        resource=str(key),
        path=path,
        file=resource.origin.file if resource is not None else "",
        line=resource.origin.line if resource is not None else 0,
        hint=hint,
    )
