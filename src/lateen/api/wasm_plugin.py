"""WasmPlugin: a WebAssembly module in the filter chain."""

from enum import StrEnum
from typing import Any

from lateen.api.resource import Spec
from lateen.api.scalars import Int32
from lateen.api.selector import (
    PolicyTargetReference,
    SelectorPort,
    WorkloadMode,
    WorkloadSelector,
)


class PluginPhase(StrEnum):
    UNSPECIFIED_PHASE = "UNSPECIFIED_PHASE"
    AUTHN = "AUTHN"
    AUTHZ = "AUTHZ"
    STATS = "STATS"


class PluginType(StrEnum):
    UNSPECIFIED_PLUGIN_TYPE = "UNSPECIFIED_PLUGIN_TYPE"
    HTTP = "HTTP"
    NETWORK = "NETWORK"


class PullPolicy(StrEnum):
    UNSPECIFIED_POLICY = "UNSPECIFIED_POLICY"
    IfNotPresent = "IfNotPresent"
    Always = "Always"


class EnvValueSource(StrEnum):
    INLINE = "INLINE"
    HOST = "HOST"


class FailStrategy(StrEnum):
    FAIL_CLOSE = "FAIL_CLOSE"
    FAIL_OPEN = "FAIL_OPEN"
    FAIL_RELOAD = "FAIL_RELOAD"


class EnvVar(Spec, frozen=True):
    name: str = ""
    value_from: EnvValueSource = EnvValueSource.INLINE
    value: str = ""


class VmConfig(Spec, frozen=True):
    env: tuple[EnvVar, ...] = ()


class TrafficSelector(Spec, frozen=True):
    mode: WorkloadMode = WorkloadMode.UNDEFINED
    ports: tuple[SelectorPort, ...] = ()


class WasmPlugin(Spec, frozen=True):
    NOT_EMPTY = ("image_pull_secret", "plugin_name")

    selector: WorkloadSelector | None = None
    target_ref: PolicyTargetReference | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    url: str = ""
    sha256: str = ""
    image_pull_policy: PullPolicy = PullPolicy.UNSPECIFIED_POLICY
    image_pull_secret: str = ""
    verification_key: str = ""
    plugin_config: dict[str, Any] | None = None
    plugin_name: str = ""
    phase: PluginPhase = PluginPhase.UNSPECIFIED_PHASE
    priority: Int32 | None = None
    fail_strategy: FailStrategy = FailStrategy.FAIL_CLOSE
    vm_config: VmConfig | None = None
    match: tuple[TrafficSelector, ...] = ()
    type: PluginType = PluginType.UNSPECIFIED_PLUGIN_TYPE
