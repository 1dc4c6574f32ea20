"""NetworkPolicies in force: a filter in each pod's network namespace, beside the capture.

    packet from the bridge -> filter (the sender's address, the port it asked for) -> capture
    packet of the pod -> capture, proxy -> filter (the address it really goes to) -> bridge

What is not let through is dropped, as most clusters do. The bridge's own address passes always: it
is what a node is to pods, and where the control plane and the resolver are.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from lateen.api.kubernetes.network_policy import NetworkPolicySpec
from lateen.api.resource import Resource
from lateen.base.problem import Problem, Severity
from lateen.intercept import nftables
from lateen.intercept.errors import NetlinkError
from lateen.intercept.rules import Accept, Chain, Drop, Match, PortRange, Rule, What
from lateen.local.errors import LocalError
from lateen.local.network import Attachment, Network
from lateen.local.plan import PodPlan
from lateen.network_policy.admission import (
    ANYWHERE,
    LAST_PORT,
    OPEN,
    Admission,
    Opening,
    PodAddress,
    admission,
)

TABLE = "lateen-policy"
KEPT = Match(What.STATE, "established,related")


class NetworkPolicies:
    """Owns the filters of all pods. A pod is closed before it runs anything."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._policies: tuple[Resource[NetworkPolicySpec], ...] = ()
        self._namespace_labels: dict[str, dict[str, str]] = {}
        self._pods: dict[str, tuple[PodAddress, Attachment]] = {}
        self._installed: dict[str, Admission] = {}

    def update(self, resources: Iterable[Resource[Any]]) -> tuple[Problem, ...]:
        """Takes the policies among the resources; what cannot be put in force is a problem."""
        known = tuple(resources)
        self._policies = tuple(item for item in known if item.kind == "NetworkPolicy")
        self._namespace_labels = {
            item.name: item.meta.labels for item in known if item.kind == "Namespace"
        }
        if not self._network.captures:
            return tuple(_not_enforced(policy) for policy in self._policies)
        self._enforce()
        return ()

    def attached(self, plan: PodPlan, attachment: Attachment) -> None:
        """Before anything of the pod runs. Raises LocalError when its filter cannot be had."""
        if attachment.namespace is None:
            return
        ports = {
            port.name: port.container_port
            for container in plan.spec.containers
            for port in container.ports
            if port.name
        }
        where = PodAddress(plan.namespace, plan.labels, attachment.address, ports)
        self._pods[plan.id] = (where, attachment)
        self._enforce()

    def released(self, pod: str) -> None:
        self._pods.pop(pod, None)
        self._installed.pop(pod, None)
        self._enforce()

    def _enforce(self) -> None:
        """Changes the filters that are no longer right; few pods run on one machine."""
        addresses = [where for where, _ in self._pods.values()]
        for id_, (where, attachment) in self._pods.items():
            wanted = admission(where, addresses, self._policies, self._namespace_labels)
            if wanted != self._installed.get(id_, OPEN):
                self._install(id_, wanted, attachment)

    def _install(self, pod: str, wanted: Admission, attachment: Attachment) -> None:
        assert attachment.namespace is not None, "only such pods are kept"
        try:
            with attachment.namespace.entered():
                nftables.install(chains(wanted, self._network.discovery_host), table=TABLE)
        except (NetlinkError, OSError) as trouble:
            raise LocalError(f"put NetworkPolicies of {pod} in force: {trouble}") from trouble
        self._installed[pod] = wanted


def chains(wanted: Admission, node: str) -> tuple[Chain, ...]:
    """The table of one pod; `node` is the bridge's address."""
    found = []
    if wanted.ingress is not None:
        rules = _rules(wanted.ingress, What.IN, What.SOURCE, node)
        found.append(Chain("ingress", rules, hook="prerouting", filters=True))
    if wanted.egress is not None:
        rules = _rules(wanted.egress, What.OUT, What.DESTINATION, node)
        found.append(Chain("egress", rules, hook="postrouting", filters=True))
    return tuple(found)


def _rules(
    openings: tuple[Opening, ...], interface: What, peer: What, node: str
) -> tuple[Rule, ...]:
    return (
        Rule((Match(interface, "lo"),), Accept()),
        Rule((KEPT,), Accept()),
        Rule((Match(peer, IPv4Network(node)),), Accept()),
        *(Rule(tuple(_matches(opening, peer)), Accept()) for opening in openings),
        Rule((), Drop()),
    )


def _matches(opening: Opening, peer: What) -> list[Match]:
    found = []
    if opening.network != ANYWHERE:
        found.append(Match(peer, opening.network))
    found += [Match(peer, network, negated=True) for network in opening.excluded]
    if opening.protocol:
        found.append(Match(What.PROTOCOL, opening.protocol))
        if (opening.first_port, opening.last_port) != (0, LAST_PORT):
            found.append(Match(What.PORT, PortRange(opening.first_port, opening.last_port)))
    return found


def _not_enforced(policy: Resource[NetworkPolicySpec]) -> Problem:
    return Problem(
        "local",
        "is not enforced: pods share the machine's network in this mode",
        severity=Severity.WARNING,
        resource=str(policy.key),
        file=policy.origin.file,
        line=policy.origin.line,
        hint="run as root, or allow user namespaces",
    )
