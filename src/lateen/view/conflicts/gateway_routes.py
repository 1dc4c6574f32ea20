"""Routes of VirtualServices that share a gateway and a host: they merge, the oldest first.

Two equal matches both stand in the merged table, and the second is never reached.
"""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view import names
from lateen.view.conflicts.report import at, conflict
from lateen.view.conflicts.virtual_services import GENERATED, meet
from lateen.view.mesh import Mesh
from lateen.view.virtual_service import RoutedVirtualService, routed


class Claim(NamedTuple):
    """One condition under which a VirtualService takes the requests of its hosts."""

    condition: str
    path: str


@derived
def of_gateway(mesh: Mesh, gateway: str) -> tuple[Problem, ...]:
    return () if gateway == names.MESH else tuple(_of_gateway(mesh, gateway))


def _of_gateway(mesh: Mesh, gateway: str) -> Iterator[Problem]:
    takers: dict[tuple[str, str], list[RoutedVirtualService]] = {}
    keys = mesh.index.keys("virtual service", gateway)
    rules = [rule for key in keys if (rule := routed(mesh, key)) is not None]
    for rule in sorted(rules, key=lambda rule: rule.age):
        if GENERATED in dict(rule.annotations):
            continue
        for condition, path in claims(mesh, rule.key):
            told = False
            for host in rule.hosts:
                known = takers.setdefault((host, condition), [])
                first = next((one for one in known if meet(one, rule)), None)
                if first is None:
                    known.append(rule)
                elif first is not rule and not told:
                    told = True
                    yield conflict(
                        mesh, rule.key, path,
                        code="virtual-service-conflict",
                        message=f"gateway {gateway} has such a route of {host} already, of "
                        f"{at(mesh, first.key)}; this one is never reached",
                        hint="remove one of the two; the older one takes the requests",
                    )  # fmt: skip


@derived
def claims(mesh: Mesh, key: Key) -> tuple[Claim, ...]:
    """Of one VirtualService, in order; a route without conditions takes everything."""
    rule = routed(mesh, key)
    if rule is None:
        return ()
    return tuple(_claims(rule))


def _claims(rule: RoutedVirtualService) -> Iterator[Claim]:
    for at_route, route in enumerate(rule.http):
        if not route.match:
            yield Claim("", f"spec.http[{at_route}]")
        for at_match, match in enumerate(route.match):
            unnamed = replace(match, name="")
            yield Claim(repr(unnamed), f"spec.http[{at_route}].match[{at_match}]")
