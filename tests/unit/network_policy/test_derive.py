"""What the derived policies let through, judged by the rules of Kubernetes."""

import json
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lateen.api.authorization_policy import AuthorizationPolicy, Rule
from lateen.api.resource import Change, Resource
from lateen.config.documents import read
from lateen.network_policy.admission import Admission, PodAddress, admission
from lateen.network_policy.derive import derive
from lateen.network_policy.manifest import document
from lateen.network_policy.sources import Places, matches
from lateen.network_policy.workloads import places
from lateen.view.mesh import Mesh

PODS = {  # namespace, service account, address
    "back": ("shop", "back", "10.0.0.1"),
    "front": ("shop", "front", "10.0.0.2"),
    "other": ("shop", "other", "10.0.0.3"),
    "batch": ("jobs", "front", "10.0.1.1"),
}
STRANGER = "192.168.7.7"  # no pod
WORLD = "\n---\n".join(
    f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}, version: v1}}}}
    spec: {{serviceAccountName: {account}, containers: [{{name: app, image: x}}]}}
"""
    for name, (namespace, account, _) in PODS.items()
)


def policy(action: str, rules: str, name: str = "p") -> str:
    return (
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: shop}}\n"
        f"spec:\n  selector: {{matchLabels: {{app: back}}}}\n  action: {action}\n  rules: {rules}\n"
    )


def derived(text: str) -> tuple[list[Resource[Any]], tuple[Resource[Any], ...]]:
    """The NetworkPolicies of a folder, read back as a cluster would, and the input."""
    reading = read(WORLD + text, "mesh.yaml")
    assert not reading.problems
    mesh = Mesh()
    mesh.apply(Change(item.key, item) for item in reading.resources)
    known: Places = places(
        reading.resources, trust_domains=["cluster.local"], has_proxy=lambda *_: True
    )
    made = "\n---\n".join(json.dumps(document(found)) for found in derive(mesh, known))
    again = read(made, "network.yaml")
    assert not again.problems
    return list(again.resources), reading.resources


def admitted(policies: Iterable[Resource[Any]]) -> Admission:
    pods = [
        PodAddress(namespace, {"app": name, "version": "v1"}, address, {})
        for name, (namespace, _, address) in PODS.items()
    ]
    return admission(pods[0], pods, policies, {})


def is_open(found: Admission, source: str, port: int) -> bool:
    address = ip_address(PODS[source][2] if source in PODS else source)
    return found.ingress is None or any(
        address in opening.network
        and not any(address in network for network in opening.excluded)
        and opening.first_port <= port <= opening.last_port
        for opening in found.ingress
    )


def reaching(text: str, port: int = 8080) -> set[str]:
    policies, _ = derived(text)
    found = admitted(policies)
    return {name for name in (*PODS, STRANGER) if is_open(found, name, port)}


EVERYBODY = {*PODS, STRANGER}


def test_without_policies_nothing_is_derived() -> None:
    assert derived("") == ([], derived("")[1])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{from: [{source: {principals: [cluster.local/ns/shop/sa/front]}}]}]", {"front"}),
        ("[{from: [{source: {serviceAccounts: [front]}}]}]", {"front"}),
        ("[{from: [{source: {namespaces: [jobs]}}]}]", {"batch"}),
        ("[{from: [{source: {principals: ['cluster.local/ns/shop/*']}}]}]",
         {"back", "front", "other"}),
        ("[{from: [{source: {principals: ['*']}}]}]", set(PODS)),
        ("[{from: [{source: {principals: ['*/sa/front']}}]}]", set(PODS)),
        ("[{from: [{source: {principals: [elsewhere/ns/a/sa/b]}}]}]", EVERYBODY),
        ("[{from: [{source: {principals: [cluster.local/ns/jobs/sa/unknown]}}]}]", {"batch"}),
        ("[{from: [{source: {ipBlocks: [192.168.0.0/16]}}]}]", {STRANGER}),
        ("[{from: [{source: {notIpBlocks: [192.168.0.0/16]}}]}]", set(PODS)),
        ("[{from: [{source: {requestPrincipals: ['*']}}]}]", EVERYBODY),
        ("[{to: [{operation: {paths: ['/x']}}]}]", EVERYBODY),
        ("[{when: [{key: source.namespace, values: [jobs]}]}]", {"batch"}),
        ("[{when: [{key: source.ip, values: [10.0.1.0/24]}]}]", {"batch"}),
        ("[]", set()),
    ],
)  # fmt: skip
def test_an_allow_policy_lets_those_in_that_it_may_mean(rules: str, expected: set[str]) -> None:
    assert reaching(policy("ALLOW", rules)) == expected


def test_ports_of_a_rule_are_kept_apart() -> None:
    rules = (
        "[{from: [{source: {namespaces: [jobs]}}], to: [{operation: {ports: ['8080']}}]},"
        " {from: [{source: {serviceAccounts: [front]}}], to: [{operation: {notPorts: ['8080']}}]}]"
    )
    assert reaching(policy("ALLOW", rules), 8080) == {"batch"}
    assert reaching(policy("ALLOW", rules), 9000) == {"front"}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{to: [{operation: {ports: ['8080']}}]}]", set()),
        ("[{to: [{operation: {ports: ['9000']}}]}]", EVERYBODY),
        ("[{from: [{source: {notNamespaces: [jobs]}}]}]", {"batch"}),
        ("[{from: [{source: {notPrincipals: [cluster.local/ns/shop/sa/front]}}]}]", {"front"}),
        ("[{from: [{source: {ipBlocks: [192.168.0.0/16]}}]}]", set(PODS)),
        ("[{from: [{source: {notIpBlocks: [10.0.0.0/24]}}]}]", {"back", "front", "other"}),
        ("[{from: [{source: {namespaces: [jobs]}}]}]", EVERYBODY),  # cannot be said
        ("[{from: [{source: {notNamespaces: [jobs]}}], to: [{operation: {paths: ['/a']}}]}]",
         EVERYBODY),
        ("[{from: [{source: {notNamespaces: [jobs]}}], when: [{key: 'request.headers[a]',"
         " values: [b]}]}]", EVERYBODY),
    ],
)  # fmt: skip
def test_a_deny_policy_takes_away_what_it_certainly_refuses(rules: str, expected: set[str]) -> None:
    assert reaching(policy("DENY", rules)) == expected


def test_a_deny_policy_narrows_what_an_allow_policy_opened() -> None:
    allow = policy("ALLOW", "[{from: [{source: {namespaces: [shop, jobs]}}]}]", "a")
    deny = policy("DENY", "[{from: [{source: {namespaces: [jobs]}}]}]", "d")
    assert reaching(allow + deny) == {"back", "front", "other"}


def test_a_dry_run_changes_nothing() -> None:
    dry = policy("DENY", "[{}]").replace("namespace: shop}", "namespace: shop, annotations: "
                                         "{istio.io/dry-run: 'true'}}")  # fmt: skip
    assert reaching(dry) == EVERYBODY


# -- never narrower than the mesh --------------------------------------------------------------

NAMES = st.sampled_from(
    ["cluster.local/ns/shop/sa/front", "cluster.local/ns/jobs/sa/front", "*", "*/sa/front",
     "cluster.local/ns/shop/*"]
)  # fmt: skip
SPACES = st.sampled_from(["shop", "jobs", "sh*", "*"])
BLOCKS = st.sampled_from(["10.0.0.0/24", "10.0.1.1", "192.168.0.0/16", "0.0.0.0/0"])


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=2, unique=True)


FIELDS = {
    "principals": some(NAMES), "notPrincipals": some(NAMES),
    "namespaces": some(SPACES), "notNamespaces": some(SPACES),
    "serviceAccounts": some(st.sampled_from(["front", "jobs/front", "back"])),
    "ipBlocks": some(BLOCKS), "notIpBlocks": some(BLOCKS),
}  # fmt: skip
SOURCES = st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
)
PORTS = some(st.sampled_from(["8080", "9000"]))
OPERATIONS = st.sampled_from(["ports", "notPorts"]).flatmap(
    lambda name: st.fixed_dictionaries({name: PORTS})
)
CONDITIONS = st.sampled_from(["source.namespace", "source.ip", "destination.port"]).flatmap(
    lambda key: st.fixed_dictionaries(
        {
            "key": st.just(key),
            "values": {"source.namespace": some(SPACES), "source.ip": some(BLOCKS)}.get(key, PORTS),
        }
    )
)
RULES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "from": st.lists(SOURCES.map(lambda s: {"source": s}), min_size=1, max_size=2),
            "to": st.lists(OPERATIONS.map(lambda o: {"operation": o}), min_size=1, max_size=2),
            "when": st.lists(CONDITIONS, min_size=1, max_size=2),
        },
    ),
    max_size=2,
)
POLICIES = st.lists(st.tuples(st.sampled_from(["ALLOW", "DENY"]), RULES), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(POLICIES)
def test_what_the_mesh_allows_is_never_refused(written: list[tuple[str, list[Any]]]) -> None:
    text = "".join(
        policy(action, json.dumps(rules), f"p{number}")
        for number, (action, rules) in enumerate(written)
    )
    made, resources = derived(text)
    found = admitted(made)
    in_force = [item.spec for item in resources if item.kind == "AuthorizationPolicy"]
    for source, port in product((*PODS, STRANGER), (8080, 9000, 9999)):
        if mesh_allows(in_force, source, port):
            assert is_open(found, source, port), (source, port, text)


def mesh_allows(policies: list[AuthorizationPolicy], source: str, port: int) -> bool:
    """Istio's decision: no DENY rule holds, and some ALLOW rule does, if there is such a policy."""
    deny = [p for p in policies if p.action == "DENY"]
    allow = [p for p in policies if p.action == "ALLOW"]
    if any(holds(rule, source, port) for p in deny for rule in p.rules):
        return False
    return not allow or any(holds(rule, source, port) for p in allow for rule in p.rules)


def holds(rule: Rule, source: str, port: int) -> bool:
    namespace, account, text = PODS.get(source, ("", "", source))
    address = ip_address(text)
    principal = f"cluster.local/ns/{namespace}/sa/{account}" if namespace else ""

    def any_of(patterns: Iterable[str], value: str) -> bool:
        return any(matches(pattern, value) for pattern in patterns)

    def inside(blocks: Iterable[str]) -> bool:
        return any(address in ip_network(block, strict=False) for block in blocks)

    def from_holds() -> bool:
        def one(s: Any) -> bool:
            accounts = [a if "/" in a else f"shop/{a}" for a in s.service_accounts]
            return (
                (not s.principals or any_of(s.principals, principal))
                and not any_of(s.not_principals, principal)
                and (not s.namespaces or any_of(s.namespaces, namespace))
                and not any_of(s.not_namespaces, namespace)
                and (not accounts or f"{namespace}/{account}" in accounts)
                and (not s.ip_blocks or inside(s.ip_blocks))
                and not inside(s.not_ip_blocks)
            )

        return not rule.from_ or any(one(item.source) for item in rule.from_)

    def to_holds() -> bool:
        def one(o: Any) -> bool:
            return (not o.ports or str(port) in o.ports) and str(port) not in o.not_ports

        return not rule.to or any(one(item.operation) for item in rule.to)

    def when_holds() -> bool:
        checks: dict[str, Callable[[Iterable[str]], bool]] = {
            "source.namespace": lambda values: any_of(values, namespace),
            "source.ip": inside,
            "destination.port": lambda values: str(port) in values,
        }
        return all(checks[c.key](c.values) for c in rule.when)

    return from_holds() and to_holds() and when_holds()
