"""Servers of Gateways that an older one leaves no room for on their port."""

from collections.abc import Iterator

from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view.conflicts.report import at, conflict
from lateen.view.gateway import rejected_servers
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind

Pairs = tuple[str, ...]  # label, value, label, value, ...


@derived
def of_selector(mesh: Mesh, pairs: Pairs) -> tuple[Problem, ...]:
    """On proxies that have just the labels that some Gateway selects."""
    return tuple(_of_selector(mesh, pairs)) if pairs else ()


def _of_selector(mesh: Mesh, pairs: Pairs) -> Iterator[Problem]:
    labels = tuple(zip(pairs[::2], pairs[1::2], strict=True))
    for rejected in rejected_servers(mesh, ProxyClass(kind=ProxyKind.ROUTER, labels=labels)):
        server = rejected.server
        yield conflict(
            mesh, server.gateway, f"spec.servers[{server.index}]",
            code="gateway-conflict",
            message=f"the server is left out: {rejected.reason}, by {at(mesh, rejected.winner)}",
            hint="the oldest Gateway of a port wins; use another port or other hosts",
        )  # fmt: skip
