"""Which limit a descriptor has.

a rule of a RateLimit     named by the entry `rate_limit`; only for the rule's own namespace
the descriptor itself     a limit that the proxy sends with it
a configuration           by its entries; see `config_file`
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lateen.api.kubernetes.config import ConfigMap
from lateen.api.rate_limit import RateLimit
from lateen.api.resource import Change, Key, Resource
from lateen.base.problem import Problem
from lateen.rate_limit import config_file
from lateen.rate_limit.config_file import Domain, Entry, Found
from lateen.rate_limit.counters import Limit
from lateen.rate_limit.errors import ConfigError

RULE_KEY = "rate_limit"  # as `translate.rate_limit.descriptors` writes it
ROOT_NAMESPACE = "istio-system"


class NotYours(Exception):
    """The caller's namespace has no part in that rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    domain: str
    namespace: str
    limit: Limit


class Limits:
    """Owns what has been read. Several domains of one name: the last by place counts."""

    def __init__(
        self,
        *,
        files: Iterable[Domain] = (),
        config_maps: Iterable[tuple[str, str]] = (),
        root_namespace: str = ROOT_NAMESPACE,
    ) -> None:
        self._files = {domain.name: domain for domain in files}
        self._wanted = frozenset(config_maps)  # namespace and name
        self._root_namespace = root_namespace
        self._rules: dict[str, Rule] = {}
        self._of_resource: dict[Key, tuple[str, ...]] = {}
        self._of_map: dict[Key, dict[str, Domain]] = {}
        self._domains = dict(self._files)
        self.problems: dict[Key, Problem] = {}
        self.version = 0  # of what `find` answers

    def apply(self, changes: Iterable[Change]) -> None:
        self.version += 1
        for change in changes:
            if change.key.kind == "RateLimit":
                self._apply_rules(change.key, change.resource)
            elif change.key.kind == "ConfigMap" and change.key[1:] in self._wanted:
                self._apply_map(change.key, change.resource)

    def find(
        self, domain: str, entries: Sequence[Entry], own: Limit | None, *, caller: str = ""
    ) -> Found | None:
        """None: not limited. `own` came with the descriptor; `caller` is the caller's namespace.

        Raises NotYours.
        """
        key, name = entries[0]
        if key == RULE_KEY:
            self._check(name, caller)
            rule = self._rules.get(name)
            if rule is not None and rule.domain == domain:
                return Found(rule.limit)
        if own is not None:
            return Found(own)
        known = self._domains.get(domain)
        return known.find(entries) if known is not None else None

    def knows(self, domain: str) -> bool:
        """Whether a configuration is for this domain."""
        return domain in self._domains

    def describe(self) -> list[dict[str, object]]:
        """The rules, for the page that shows them."""
        return [
            {
                "rule": name,
                "domain": rule.domain,
                "requests": rule.limit.requests,
                "unit": rule.limit.unit,
                "shadow": rule.limit.shadow,
            }
            for name, rule in sorted(self._rules.items())
        ]

    def __len__(self) -> int:
        return len(self._rules)

    def _check(self, name: str, caller: str) -> None:
        namespace, slash, _ = name.partition("/")
        if caller and slash and namespace not in (caller, self._root_namespace):
            raise NotYours(f"the rule {name} is not for callers of namespace {caller}")

    def _apply_rules(self, key: Key, resource: Resource[RateLimit] | None) -> None:
        for name in self._of_resource.pop(key, ()):
            del self._rules[name]
        if resource is None:
            return
        found = rules(resource)
        self._of_resource[key] = tuple(found)
        self._rules.update(found)

    def _apply_map(self, key: Key, resource: Resource[ConfigMap] | None) -> None:
        """A text that is wrong leaves its last good version in force."""
        before = self._of_map.pop(key, {})
        self.problems.pop(key, None)
        if resource is not None:
            made: dict[str, Domain] = {}
            for name, text in sorted(resource.spec.data.items()):
                place = f"{resource.origin} data[{name}]"
                try:
                    made[name] = config_file.parse(text, place=place)
                except ConfigError as wrong:
                    self.problems[key] = Problem("rate-limit-config", str(wrong), resource=str(key))
                    if name in before:
                        made[name] = before[name]
            self._of_map[key] = made
        self._domains = dict(self._files)
        for _, domains in sorted(self._of_map.items()):
            self._domains.update({domain.name: domain for domain in domains.values()})


def rules(resource: Resource[RateLimit]) -> dict[str, Rule]:
    spec, prefix = resource.spec, f"{resource.namespace}/{resource.name}"
    found: dict[str, Rule] = {}
    for rule in spec.rules:
        if rule.global_ is not None and rule.global_.requests:
            name = f"{prefix}/{rule.name}"
            limit = Limit(name, rule.global_.requests, rule.global_.unit.value, shadow=rule.shadow)
            found[name] = Rule(spec.service.domain, resource.namespace, limit)
    for connection in spec.connections:
        if connection.global_ is not None:
            name = f"{prefix}/{connection.name}"
            asked = connection.global_
            limit = Limit(name, asked.connections, asked.unit.value)
            found[name] = Rule(spec.service.domain, resource.namespace, limit)
    return found
