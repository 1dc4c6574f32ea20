"""TrafficExtension: a WebAssembly module or Lua code in the filter chain."""

from enum import StrEnum
from typing import Any

from lateen.api.resource import Spec
from lateen.api.scalars import Int32
from lateen.api.selector import PolicyTargetReference, WorkloadSelector
from lateen.api.wasm_plugin import (
    FailStrategy,
    PluginType,
    PullPolicy,
    TrafficSelector,
    VmConfig,
)


class ExecutionPhase(StrEnum):
    UNSPECIFIED = "UNSPECIFIED"
    AUTHN = "AUTHN"
    AUTHZ = "AUTHZ"
    STATS = "STATS"


class WasmConfig(Spec, frozen=True):
    NOT_EMPTY = ("image_pull_secret", "plugin_name")

    url: str = ""
    sha256: str = ""
    image_pull_policy: PullPolicy = PullPolicy.UNSPECIFIED_POLICY
    image_pull_secret: str = ""
    verification_key: str = ""
    plugin_config: dict[str, Any] | None = None
    plugin_name: str = ""
    fail_strategy: FailStrategy = FailStrategy.FAIL_CLOSE
    vm_config: VmConfig | None = None
    type: PluginType = PluginType.UNSPECIFIED_PLUGIN_TYPE


class LuaConfig(Spec, frozen=True):
    inline_code: str = ""


class TrafficExtension(Spec, frozen=True):
    ONEOFS = (("wasm", "lua"),)

    selector: WorkloadSelector | None = None
    target_refs: tuple[PolicyTargetReference, ...] = ()
    phase: ExecutionPhase = ExecutionPhase.UNSPECIFIED
    priority: Int32 | None = None
    match: tuple[TrafficSelector, ...] = ()
    wasm: WasmConfig | None = None
    lua: LuaConfig | None = None
