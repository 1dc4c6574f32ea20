"""PeerAuthentication: which connections a workload accepts."""

from enum import StrEnum

from lateen.api.resource import Spec
from lateen.api.scalars import UInt32
from lateen.api.selector import WorkloadSelector


class MutualTLSMode(StrEnum):
    """PeerAuthentication.MutualTLS.Mode"""

    UNSET = "UNSET"
    DISABLE = "DISABLE"
    PERMISSIVE = "PERMISSIVE"
    STRICT = "STRICT"


class MutualTLS(Spec, frozen=True):
    mode: MutualTLSMode = MutualTLSMode.UNSET


class PeerAuthentication(Spec, frozen=True):
    NOT_EMPTY = ("port_level_mtls",)

    selector: WorkloadSelector | None = None
    mtls: MutualTLS | None = None
    port_level_mtls: dict[UInt32, MutualTLS] = {}
