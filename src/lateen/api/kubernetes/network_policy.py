"""NetworkPolicy: which addresses and ports may reach a pod, and be reached by it."""

from enum import StrEnum

from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class PolicyType(StrEnum):
    INGRESS = "Ingress"
    EGRESS = "Egress"


class IPBlock(OpenSpec, frozen=True):
    cidr: str = ""
    except_: tuple[str, ...] = ()


class NetworkPolicyPeer(OpenSpec, frozen=True):
    """`ip_block` stands alone; the selectors, when both are given, must both hold."""

    ip_block: IPBlock | None = None
    namespace_selector: LabelSelector | None = None  # absent: the policy's own namespace
    pod_selector: LabelSelector | None = None


class NetworkPolicyPort(OpenSpec, frozen=True):
    protocol: str = "TCP"
    port: int | str | None = None  # absent: all; a name is one of the target pod's ports
    end_port: Int32 | None = None


class NetworkPolicyIngressRule(OpenSpec, frozen=True):
    from_: tuple[NetworkPolicyPeer, ...] = ()  # empty: everybody
    ports: tuple[NetworkPolicyPort, ...] = ()  # empty: all


class NetworkPolicyEgressRule(OpenSpec, frozen=True):
    to: tuple[NetworkPolicyPeer, ...] = ()
    ports: tuple[NetworkPolicyPort, ...] = ()


class NetworkPolicySpec(OpenSpec, frozen=True):
    pod_selector: LabelSelector = LabelSelector()
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    egress: tuple[NetworkPolicyEgressRule, ...] = ()
    policy_types: tuple[PolicyType, ...] = ()  # empty: Ingress, and Egress where there is a rule
