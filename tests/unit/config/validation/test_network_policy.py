"""NetworkPolicy, as the Kubernetes API server checks it."""

import pytest

from tests.unit.config.validation.found import found

GOOD = [
    "{podSelector: {}}",
    "{podSelector: {}, ingress: [{}], policyTypes: [Ingress, Egress]}",
    "{podSelector: {matchExpressions: [{key: a, operator: In, values: [b]}]}}",
    "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}],"
    " ports: [{port: web}, {port: 80, endPort: 90}, {protocol: UDP}]}]}",
    "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 'fd00::/8'}}]}]}",
]
BAD = [
    ("{podSelector: {}, ingress: [{from: [{}]}]}", "spec.ingress[0].from[0]"),
    ("{podSelector: {}, egress: [{to: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}",
     "spec.egress[0].to[0]"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.1}}]}]}",
     "spec.ingress[0].from[0].ipBlock.cidr"),
    ("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/9]}}]}]}",
     "spec.ingress[0].from[0].ipBlock.except[0]"),
    ("{podSelector: {}, ingress: [{ports: [{port: 0}]}]}", "spec.ingress[0].ports[0].port"),
    ("{podSelector: {}, ingress: [{ports: [{port: web, endPort: 9}]}]}",
     "spec.ingress[0].ports[0].endPort"),
    ("{podSelector: {}, ingress: [{ports: [{port: 9, endPort: 8}]}]}",
     "spec.ingress[0].ports[0].endPort"),
    ("{podSelector: {}, ingress: [{ports: [{protocol: ICMP}]}]}",
     "spec.ingress[0].ports[0].protocol"),
    ("{podSelector: {matchExpressions: [{key: a, operator: Is}]}}",
     "spec.podSelector.matchExpressions[0].operator"),
    ("{podSelector: {matchExpressions: [{key: a, operator: In}]}}",
     "spec.podSelector.matchExpressions[0].values"),
    ("{podSelector: {matchExpressions: [{operator: Exists}]}}",
     "spec.podSelector.matchExpressions[0].key"),
]  # fmt: skip


@pytest.mark.parametrize("spec", GOOD)
def test_good_ones_are_accepted(spec: str) -> None:
    assert found("NetworkPolicy", spec) == []


@pytest.mark.parametrize(("spec", "path"), BAD)
def test_bad_ones_are_refused_at_their_path(spec: str, path: str) -> None:
    assert found("NetworkPolicy", spec) == [f"error {path}"]
