"""Derived policies as the documents that a cluster, or a folder of `lateen up`, takes."""

from typing import Any

from lateen.network_policy import port_set
from lateen.network_policy.derive import Derived, Grant
from lateen.network_policy.peers import Block, Labels, Pods

PREFIX = "lateen-"
MANAGED_BY = {"app.kubernetes.io/managed-by": "lateen"}
ORIGIN = "lateen.dev/derived-from"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
PROXY_PORTS = (15020, 15021, 15090)  # metrics and health of the proxy, open to everybody
LONGEST_NAME = 253


def document(derived: Derived) -> dict[str, Any]:
    """A NetworkPolicy for the workload's pods, with what it follows from as an annotation."""
    workload = derived.workload
    sources = [f"AuthorizationPolicy {p.namespace}/{p.name}" for p in derived.sources]
    rules = [_rule(grant) for grant in derived.grants]
    if not any(grant.peers is None and grant.ports == port_set.ALL for grant in derived.grants):
        rules.append({"ports": [{"protocol": "TCP", "port": port} for port in PROXY_PORTS]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{PREFIX}{workload.name}"[:LONGEST_NAME],
            "namespace": workload.namespace,
            "labels": dict(MANAGED_BY),
            "annotations": {ORIGIN: ", ".join(sources)},
        },
        "spec": {
            "podSelector": {"matchLabels": dict(workload.selector)},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }


def _rule(grant: Grant) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if grant.peers is not None:
        rule["from"] = [_peer(peer) for peer in sorted(grant.peers, key=_order)]
    if grant.ports != port_set.ALL:
        rule["ports"] = [_port(first, last) for first, last in grant.ports.ranges]
    return rule


def _port(first: int, last: int) -> dict[str, Any]:
    single = {"protocol": "TCP", "port": first}
    return single if first == last else {**single, "endPort": last}


def _peer(peer: Pods | Block) -> dict[str, Any]:
    if isinstance(peer, Block):
        block: dict[str, Any] = {"cidr": peer.cidr}
        if peer.excluded:
            block["except"] = list(peer.excluded)
        return {"ipBlock": block}
    where = {NAMESPACE_LABEL: peer.namespace} if peer.namespace else {}
    found: dict[str, Any] = {"namespaceSelector": {"matchLabels": where} if where else {}}
    if peer.labels:
        found["podSelector"] = {"matchLabels": dict(peer.labels)}
    return found


def _order(peer: Pods | Block) -> tuple[bool, str, Labels | tuple[str, ...]]:
    if isinstance(peer, Block):
        return (True, peer.cidr, peer.excluded)
    return (False, peer.namespace, peer.labels)
