"""DestinationRules of one host and namespace, which merge as far as they do not disagree."""

from collections.abc import Iterator

from lateen.api.destination_rule import DestinationRule
from lateen.api.resource import Key, Resource
from lateen.base.incremental import derived
from lateen.base.problem import Problem
from lateen.view import hosts, selection
from lateen.view.conflicts.report import at, conflict
from lateen.view.conflicts.virtual_services import shared
from lateen.view.mesh import Mesh

CODE = "destination-rule-conflict"
Rule = Resource[DestinationRule]


@derived
def of_host(mesh: Mesh, namespace: str, bucket: str) -> tuple[Problem, ...]:
    """Of the hosts that are filed under the bucket."""
    groups: dict[tuple[str, str], list[Rule]] = {}
    for key in mesh.index.keys("destination rule", namespace, bucket):
        rule = mesh.resource(key)
        if rule is not None:
            host = hosts.qualified(rule.spec.host, namespace, mesh.domain)
            groups.setdefault((host, repr(rule.spec.workload_selector)), []).append(rule)
    return tuple(
        problem
        for (host, _), rules in groups.items()
        for problem in _of_rules(mesh, host, sorted(rules, key=lambda rule: rule.age))
    )


def _of_rules(mesh: Mesh, host: str, rules: list[Rule]) -> Iterator[Problem]:
    by_exports: dict[frozenset[str], list[Rule]] = {}
    for rule in rules:
        exports = _exports(mesh, rule)
        for other, merged in by_exports.items():
            if other != exports and shared(other, exports):
                yield conflict(
                    mesh, rule.key, "spec.exportTo", code=CODE,
                    message=f"{host} has {at(mesh, merged[0].key)}, which is exported to others; "
                    "who sees both goes by that one alone",
                    hint="export both alike, and they merge",
                )  # fmt: skip
                break
        by_exports.setdefault(exports, []).append(rule)
    for merged in by_exports.values():
        yield from _subsets(mesh, host, merged)
        yield from _policies(mesh, host, merged)


def _subsets(mesh: Mesh, host: str, rules: list[Rule]) -> Iterator[Problem]:
    first: dict[str, Key] = {}
    for rule in rules:
        for place, subset in enumerate(rule.spec.subsets):
            owner = first.setdefault(subset.name, rule.key)
            if owner != rule.key:
                yield conflict(
                    mesh, rule.key, f"spec.subsets[{place}].name", code=CODE,
                    message=f"subset {subset.name} of {host} is that of {at(mesh, owner)}",
                    hint="rename one of the two; the older one counts",
                )  # fmt: skip


def _policies(mesh: Mesh, host: str, rules: list[Rule]) -> Iterator[Problem]:
    written = [rule for rule in rules if rule.spec.traffic_policy is not None]
    for rule in written[1:]:
        yield conflict(
            mesh, rule.key, "spec.trafficPolicy", code=CODE,
            message=f"the policy of {host} is that of {at(mesh, written[0].key)}",
            hint="write one policy, or one for each subset; the older one counts",
        )  # fmt: skip


def _exports(mesh: Mesh, rule: Rule) -> frozenset[str]:
    default = mesh.config.default_destination_rule_export_to
    return selection.export_set(rule.spec.export_to, rule.namespace, default)
