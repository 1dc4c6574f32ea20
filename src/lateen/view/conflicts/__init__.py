"""What configuration says twice, in ways of which only one can hold: reported, never fatal.

    two VirtualServices for one host on sidecars      the oldest owns the host
    two equal matches for one host on a gateway       the oldest takes the request
    two servers of Gateways on one port               the oldest Gateway wins
    two subsets or policies for one host              the first counts
    two definitions of one host in a namespace        a Service, else the oldest ServiceEntry
    two TCP services at one address and port          the oldest
    two protocols of one port of a workload           the oldest service
    two policies where one is meant                   the oldest

Each problem stands at the resource that does not take effect, and names the place of the one that
does. Only rows of the index with several members are looked at, each one's findings remembered: a
change costs the rows that it enters.
"""

from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view.conflicts import (
    destination_rules,
    gateway_routes,
    gateways,
    service_hosts,
    singles,
    virtual_services,
    workload_ports,
)
from lateen.view.mesh import Mesh

ROWS = (  # the index, and what a row of it can hold
    ("sidecar host", virtual_services.of_host),
    ("virtual service", gateway_routes.of_gateway),
    ("destination rule", destination_rules.of_host),
    ("hostname", service_hosts.of_hostname),
    ("stream place", service_hosts.of_stream_place),
    ("selector", workload_ports.of_selector),
    ("only one", singles.of_kind),
)


@derived
def conflicts(mesh: Mesh) -> tuple[Problem, ...]:
    """All of them, sorted by resource."""
    found = [
        problem
        for index, problems_of in ROWS
        for row in mesh.index.crowded(index)
        for problem in problems_of(mesh, *row)
    ]
    for labels in mesh.index.rows("gateway selector"):
        found += gateways.of_selector(mesh, labels)
    return tuple(sorted(dict.fromkeys(found), key=_place))


def _place(problem: Problem) -> tuple[str, str, str]:
    return (problem.resource, problem.path, problem.message)
