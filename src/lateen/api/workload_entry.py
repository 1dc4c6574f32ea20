"""WorkloadEntry: one workload that is no pod."""

from lateen.api.resource import Spec
from lateen.api.scalars import UInt32


class WorkloadEntry(Spec, frozen=True):
    address: str = ""
    ports: dict[str, UInt32] = {}
    labels: dict[str, str] = {}
    network: str = ""
    locality: str = ""
    weight: UInt32 = 0
    service_account: str = ""
