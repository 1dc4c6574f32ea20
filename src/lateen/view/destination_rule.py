"""Which DestinationRule governs a host, seen from one scope.

    client namespace  ->  service namespace  ->  root namespace      first match wins

At each step the most specific host wins. Rules of one host and namespace merge in age order: the
first top-level policy counts, and the first subset of each name. Rules with a workloadSelector are
private to their namespace and preferred by the clients they select; what they leave open comes from
the rules without one.

How a policy is layered (top level, port level, subset) is for `translate`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lateen.api.destination_rule import DestinationRule, Subset, TrafficPolicy
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.view import hosts, selection
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import OutboundScope, label_uses
from lateen.view.selection import Labels

Accepts = Callable[[Resource[DestinationRule]], bool]


@dataclass(frozen=True, slots=True)
class DestinationPolicy:
    """One or several DestinationRules, merged."""

    host: str  # as written, short name resolved
    namespace: str
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    sources: tuple[Key, ...] = ()  # those that went in; the first is the oldest
    has_workload_selector: bool = False

    def subset(self, name: str) -> Subset | None:
        return next((subset for subset in self.subsets if subset.name == name), None)


def destination_rule(
    mesh: Mesh, scope: OutboundScope, hostname: str, service_namespace: str
) -> DestinationPolicy | None:
    asked = label_uses(mesh, f"client {scope.namespace}")
    labels = tuple(pair for pair in scope.labels if pair[0] in asked)
    return governing(mesh, scope.namespace, labels, hostname, service_namespace)


def inbound_destination_rule(
    mesh: Mesh, namespace: str, hostname: str, service_namespace: str
) -> DestinationPolicy | None:
    """The same for the server side, which knows no workloadSelector."""
    return governing(mesh, namespace, (), hostname, service_namespace)


@derived
def governing(
    mesh: Mesh, namespace: str, labels: Labels, hostname: str, service_namespace: str
) -> DestinationPolicy | None:
    root = mesh.root_namespace
    if namespace != root:
        found = _most_specific(mesh, namespace, hostname, lambda rule: _selects(rule, labels))
        if found is not None:
            return _merged(mesh, found)
    else:
        found = _most_specific(mesh, root, hostname, lambda rule: _is_private(mesh, rule))
        if found is not None:
            return _merged(mesh, found)
    for owner in dict.fromkeys((service_namespace, root)):
        found = _most_specific(
            mesh, owner, hostname, lambda rule: _is_exported(mesh, rule, namespace)
        )
        if found is not None:
            return _merged(mesh, found)
    return None


def _most_specific(
    mesh: Mesh, namespace: str, hostname: str, accepts: Accepts
) -> tuple[str, list[Resource[DestinationRule]]] | None:
    """The host of the best rules of a namespace and these rules, oldest first."""
    for bucket in hosts.buckets(hostname):
        found: dict[str, list[Resource[DestinationRule]]] = {}
        for key in mesh.index.keys("destination rule", namespace, bucket):
            rule = mesh.resource(key)
            if rule is None or not accepts(rule):
                continue
            host = hosts.qualified(rule.spec.host, namespace, mesh.domain)
            if hosts.is_subset(hostname, host):
                found.setdefault(host, []).append(rule)
        if found:
            best = min(found, key=hosts.specificity)
            return best, sorted(found[best], key=lambda rule: rule.age)
    return None


def _merged(mesh: Mesh, found: tuple[str, list[Resource[DestinationRule]]]) -> DestinationPolicy:
    host, rules = found
    special = [rule for rule in rules if _selector(rule)]
    general = [rule for rule in rules if not _selector(rule)]
    if special:
        special = [rule for rule in special if _selector(rule) == _selector(special[0])]
    # Only rules that the same namespaces see become one.
    first = (special or general)[0]
    exports = _exports(mesh, first)
    chosen = special + [rule for rule in general if special or _exports(mesh, rule) == exports]
    policy = next((rule.spec.traffic_policy for rule in chosen if rule.spec.traffic_policy), None)
    subsets: dict[str, Subset] = {}
    for rule in chosen:
        for subset in rule.spec.subsets:
            subsets.setdefault(subset.name, subset)
    return DestinationPolicy(
        host=host,
        namespace=first.namespace,
        traffic_policy=policy,
        subsets=tuple(subsets.values()),
        sources=tuple(rule.key for rule in chosen),
        has_workload_selector=bool(special),
    )


def _selector(rule: Resource[DestinationRule]) -> dict[str, str]:
    selector = rule.spec.workload_selector
    return selector.match_labels if selector is not None else {}


def _selects(rule: Resource[DestinationRule], labels: Labels) -> bool:
    return selection.selects(_selector(rule), labels)


def _exports(mesh: Mesh, rule: Resource[DestinationRule]) -> frozenset[str]:
    default = mesh.config.default_destination_rule_export_to
    return selection.export_set(rule.spec.export_to, rule.namespace, default)


def _is_exported(mesh: Mesh, rule: Resource[DestinationRule], namespace: str) -> bool:
    return not _selector(rule) and selection.is_exported(_exports(mesh, rule), namespace)


def _is_private(mesh: Mesh, rule: Resource[DestinationRule]) -> bool:
    """Kept to its own namespace: in the root namespace such a rule is meant for its proxies."""
    return _exports(mesh, rule) == frozenset((rule.namespace,))
