"""Telemetry: metrics, traces and access logs of workloads."""

from enum import StrEnum

from lateen.api.duration import Duration
from lateen.api.resource import Spec
from lateen.api.selector import PolicyTargetReference, WorkloadMode, WorkloadSelector


class ProviderRef(Spec, frozen=True):
    name: str = ""


class IstioMetric(StrEnum):
    """MetricSelector.IstioMetric"""

    ALL_METRICS = "ALL_METRICS"
    REQUEST_COUNT = "REQUEST_COUNT"
    REQUEST_DURATION = "REQUEST_DURATION"
    REQUEST_SIZE = "REQUEST_SIZE"
    RESPONSE_SIZE = "RESPONSE_SIZE"
    TCP_OPENED_CONNECTIONS = "TCP_OPENED_CONNECTIONS"
    TCP_CLOSED_CONNECTIONS = "TCP_CLOSED_CONNECTIONS"
    TCP_SENT_BYTES = "TCP_SENT_BYTES"
    TCP_RECEIVED_BYTES = "TCP_RECEIVED_BYTES"
    GRPC_REQUEST_MESSAGES = "GRPC_REQUEST_MESSAGES"
    GRPC_RESPONSE_MESSAGES = "GRPC_RESPONSE_MESSAGES"


class MetricSelector(Spec, frozen=True):
    ONEOFS = (("metric", "custom_metric"),)

    metric: IstioMetric | None = None
    custom_metric: str | None = None
    mode: WorkloadMode = WorkloadMode.UNDEFINED


class TagOverrideOperation(StrEnum):
    """MetricsOverrides.TagOverride.Operation"""

    UPSERT = "UPSERT"
    REMOVE = "REMOVE"


class TagOverride(Spec, frozen=True):
    operation: TagOverrideOperation = TagOverrideOperation.UPSERT
    value: str = ""


class MetricsOverrides(Spec, frozen=True):
    match: MetricSelector | None = None
    disabled: bool | None = None
    tag_overrides: dict[str, TagOverride] = {}


class Metrics(Spec, frozen=True):
    providers: tuple[ProviderRef, ...] = ()
    overrides: tuple[MetricsOverrides, ...] = ()
    reporting_interval: Duration | None = None


class Literal(Spec, frozen=True):
    value: str = ""


class Environment(Spec, frozen=True):
    name: str = ""
    default_value: str = ""


class RequestHeader(Spec, frozen=True):
    name: str = ""
    default_value: str = ""


class Formatter(Spec, frozen=True):
    value: str = ""


class CustomTag(Spec, frozen=True):
    """Tracing.CustomTag"""

    ONEOFS = (("literal", "environment", "header", "formatter"),)

    literal: Literal | None = None
    environment: Environment | None = None
    header: RequestHeader | None = None
    formatter: Formatter | None = None


class TracingSelector(Spec, frozen=True):
    mode: WorkloadMode = WorkloadMode.UNDEFINED


class Tracing(Spec, frozen=True):
    match: TracingSelector | None = None
    providers: tuple[ProviderRef, ...] = ()
    random_sampling_percentage: float | None = None
    disable_span_reporting: bool | None = None
    custom_tags: dict[str, CustomTag] = {}
    use_request_id_for_trace_sampling: bool | None = None
    enable_istio_tags: bool | None = None
    disable_context_propagation: bool | None = None


class LogSelector(Spec, frozen=True):
    mode: WorkloadMode = WorkloadMode.UNDEFINED


class Filter(Spec, frozen=True):
    """AccessLogging.Filter"""

    expression: str = ""


class AccessLogging(Spec, frozen=True):
    match: LogSelector | None = None
    providers: tuple[ProviderRef, ...] = ()
    disabled: bool | None = None
    filter: Filter | None = None


class Telemetry(Spec, frozen=True):
    selector: WorkloadSelector | None = None
    target_ref: PolicyTargetReference | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    tracing: tuple[Tracing, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    access_logging: tuple[AccessLogging, ...] = ()
