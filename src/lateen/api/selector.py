"""How a policy names what it applies to: by labels (two spellings) or by reference.

Networking kinds write `workloadSelector.labels`, the other kinds write `selector.matchLabels`; the
API calls both messages WorkloadSelector, and so they have two names here.
"""

from enum import StrEnum

from lateen.api.resource import Spec
from lateen.api.scalars import UInt32


class WorkloadSelector(Spec, frozen=True):
    """istio.type.v1beta1.WorkloadSelector"""

    match_labels: dict[str, str] = {}


class NetworkingWorkloadSelector(Spec, frozen=True):
    """istio.networking.v1alpha3.WorkloadSelector"""

    labels: dict[str, str] = {}


class PolicyTargetReference(Spec, frozen=True):
    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class WorkloadMode(StrEnum):
    UNDEFINED = "UNDEFINED"
    CLIENT = "CLIENT"
    SERVER = "SERVER"
    CLIENT_AND_SERVER = "CLIENT_AND_SERVER"


class SelectorPort(Spec, frozen=True):
    """istio.type.v1beta1.PortSelector"""

    number: UInt32 = 0
