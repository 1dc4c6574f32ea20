"""VirtualServices of one host on sidecars, which do not merge them."""

from collections.abc import Iterator

from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view import hosts
from lateen.view.conflicts.report import at, conflict
from lateen.view.mesh import Mesh
from lateen.view.virtual_service import RoutedVirtualService, routed

GENERATED = "internal.istio.io/route-semantics"  # made from routes of the Gateway API: they merge


@derived
def of_host(mesh: Mesh, bucket: str) -> tuple[Problem, ...]:
    """Of the hosts that are filed under the bucket."""
    return tuple(_of_host(mesh, bucket))


def _of_host(mesh: Mesh, bucket: str) -> Iterator[Problem]:
    owners: dict[str, list[RoutedVirtualService]] = {}
    keys = mesh.index.keys("sidecar host", bucket)
    rules = [rule for key in keys if (rule := routed(mesh, key)) is not None]
    for rule in sorted(rules, key=lambda rule: rule.age):
        if GENERATED in dict(rule.annotations):
            continue
        for place, host in enumerate(rule.hosts):
            if hosts.bucket(host) != bucket:
                continue
            first = next((one for one in owners.get(host, ()) if meet(one, rule)), None)
            if first is not None and first is not rule:
                yield conflict(
                    mesh, rule.key, f"spec.hosts[{place}]",
                    code="virtual-service-conflict",
                    message=f"{host} has the routes of {at(mesh, first.key)} on sidecars",
                    hint="merge the two; on sidecars the older one takes the whole host",
                )  # fmt: skip
            owners.setdefault(host, []).append(rule)


def meet(one: RoutedVirtualService, other: RoutedVirtualService) -> bool:
    """Whether some namespace sees both."""
    return shared(one.export_to, other.export_to)


def shared(one: frozenset[str], other: frozenset[str]) -> bool:
    """Of two sets of namespaces; `*` stands for all, an empty set for none."""
    if not one or not other:
        return False
    return "*" in one | other or bool(one & other)
