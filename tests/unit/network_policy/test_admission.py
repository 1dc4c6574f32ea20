"""NetworkPolicies resolved to addresses and ports, by the rules of Kubernetes."""

from ipaddress import IPv4Network

import pytest

from lateen.config.documents import read
from lateen.network_policy.admission import Admission, Opening, PodAddress, admission

BACK = PodAddress("shop", {"app": "back"}, "10.0.0.1", {"web": 8080})
FRONT = PodAddress("shop", {"app": "front"}, "10.0.0.2", {"web": 8081})
BATCH = PodAddress("jobs", {"app": "batch", "tier": "low"}, "10.0.1.1", {})
NAMESPACES = {"shop": {"team": "red"}, "jobs": {"team": "blue"}}


def admitted(spec: str, pod: PodAddress = BACK) -> Admission:
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: p, namespace: shop}}\nspec: {spec}\n"
    )
    reading = read(text, "p.yaml")
    assert not reading.problems
    return admission(pod, [BACK, FRONT, BATCH], reading.resources, NAMESPACES)


def only(pod: PodAddress, **more: object) -> Opening:
    return Opening(IPv4Network(pod.address), **more)  # type: ignore[arg-type]


def test_a_pod_that_no_policy_selects_is_open() -> None:
    assert admitted("{podSelector: {matchLabels: {app: front}}}") == Admission()
    assert admitted("{podSelector: {}}", BATCH) == Admission()  # of another namespace


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{podSelector: {}}", Admission(ingress=())),
        ("{podSelector: {}, policyTypes: [Egress]}", Admission(egress=())),
        ("{podSelector: {}, egress: [{}]}", Admission((), (Opening(),))),
        ("{podSelector: {}, ingress: [{}]}", Admission((Opening(),))),
    ],
)
def test_a_selected_pod_is_closed_but_for_the_rules(spec: str, expected: Admission) -> None:
    assert admitted(spec) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("{podSelector: {}}", (BACK, FRONT)),
        ("{namespaceSelector: {}}", (BACK, FRONT, BATCH)),
        ("{namespaceSelector: {matchLabels: {team: blue}}}", (BATCH,)),
        ("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: jobs}}}", (BATCH,)),
        ("{namespaceSelector: {}, podSelector: {matchLabels: {app: front}}}", (FRONT,)),
        ("{namespaceSelector: {},"
         " podSelector: {matchExpressions: [{key: tier, operator: Exists}]}}", (BATCH,)),
        ("{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [back]}]}}",
         (FRONT,)),
        ("{podSelector: {matchExpressions: [{key: tier, operator: DoesNotExist}]}}",
         (BACK, FRONT)),
    ],
)  # fmt: skip
def test_selectors_of_peers_mean_addresses(peer: str, expected: tuple[PodAddress, ...]) -> None:
    assert admitted(f"{{podSelector: {{}}, ingress: [{{from: [{peer}]}}]}}").ingress == tuple(
        only(pod) for pod in expected
    )


def test_a_block_keeps_its_exceptions() -> None:
    block = "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}"
    assert admitted(f"{{podSelector: {{}}, ingress: [{{from: [{block}]}}]}}").ingress == (
        Opening(IPv4Network("10.0.0.0/8"), (IPv4Network("10.1.0.0/16"),)),
    )


def test_a_named_port_is_the_listeners_own() -> None:
    ports = "ports: [{port: web}, {port: 53, protocol: UDP}, {port: 90, endPort: 99}]"
    assert admitted(f"{{podSelector: {{}}, ingress: [{{{ports}}}]}}").ingress == (
        Opening(protocol="tcp", first_port=8080, last_port=8080),
        Opening(protocol="tcp", first_port=90, last_port=99),
        Opening(protocol="udp", first_port=53, last_port=53),
    )
    rule = "{to: [{podSelector: {}}], ports: [{port: web}]}"
    out = f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rule}]}}"
    assert admitted(out).egress == (
        only(BACK, protocol="tcp", first_port=8080, last_port=8080),
        only(FRONT, protocol="tcp", first_port=8081, last_port=8081),
    )


def test_the_rules_of_all_policies_add_up() -> None:
    texts = [
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: {name}, namespace: shop}}\n"
        "spec: {podSelector: {}, ingress: [{from: [{podSelector: "
        f"{{matchLabels: {{app: {name}}}}}}}]}}]}}"
        for name in ("front", "back")
    ]
    resources = read("\n---\n".join(texts), "p.yaml").resources
    found = admission(BACK, [BACK, FRONT], resources, {})
    assert found.ingress == (only(BACK), only(FRONT))
