"""InferencePool: model servers as one backend."""

from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import OpenSpec
from lateen.api.scalars import Int32


class TargetPort(OpenSpec, frozen=True):
    number: Int32 = 0


class EndpointPickerRef(OpenSpec, frozen=True):
    group: str = ""
    kind: str = "Service"
    name: str = ""
    port: TargetPort | None = None
    failure_mode: str = "FailClose"


class InferencePoolSpec(OpenSpec, frozen=True):
    selector: LabelSelector | None = None
    target_ports: tuple[TargetPort, ...] = ()
    endpoint_picker_ref: EndpointPickerRef | None = None
