"""WasmPlugin and TrafficExtension."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from lateen.api.resource import Resource
from lateen.api.traffic_extension import TrafficExtension
from lateen.api.wasm_plugin import EnvValueSource, TrafficSelector, VmConfig, WasmPlugin
from lateen.config.validation import names
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector, check_targets

SCHEMES = ("", "http", "https", "file", "oci")
DIGEST = re.compile(r"[a-f0-9]{64}")
NAME_LIMIT = 255
VALUE_LIMIT = 2048
CODE_LIMIT = 64 * 1024


def check_wasm_plugin(resource: Resource[WasmPlugin], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    check_targets(
        report,
        selector=spec.selector,
        target_ref=spec.target_ref,
        target_refs=spec.target_refs,
    )
    check_module(report, "spec", url=spec.url, sha256=spec.sha256, name=spec.plugin_name)
    check_environment(report, "spec.vmConfig", spec.vm_config)
    check_match(report, spec.match)


def check_traffic_extension(resource: Resource[TrafficExtension], report: Report) -> None:
    spec = resource.spec
    check_selector(report, "spec.selector", spec.selector)
    check_targets(report, selector=spec.selector, target_ref=None, target_refs=spec.target_refs)
    if (spec.wasm is None) == (spec.lua is None):
        report.error("spec", "exactly one of wasm or lua must be set")
    if spec.wasm is not None:
        wasm = spec.wasm
        check_module(report, "spec.wasm", url=wasm.url, sha256=wasm.sha256, name=wasm.plugin_name)
        check_environment(report, "spec.wasm.vmConfig", wasm.vm_config)
    if spec.lua is not None:
        size = len(spec.lua.inline_code.encode())
        if not size:
            report.error("spec.lua.inlineCode", "lua.inlineCode cannot be empty")
        elif size > CODE_LIMIT:
            report.error(
                "spec.lua.inlineCode", f"lua.inlineCode exceeds maximum size of 64KB ({size} bytes)"
            )
    check_match(report, spec.match)


def check_module(report: Report, path: str, *, url: str, sha256: str, name: str) -> None:
    if not url:
        report.error(f"{path}.url", "url must be set")
    else:
        fault = url_fault(url)
        if fault:
            report.error(f"{path}.url", fault)
    if sha256 and len(sha256) != 64:
        report.error(f"{path}.sha256", "sha256 field must be 64 characters long")
    elif sha256 and not DIGEST.fullmatch(sha256):
        report.error(f"{path}.sha256", "sha256 field must match [a-f0-9]{64}")
    if len(name) > NAME_LIMIT:
        report.error(f"{path}.pluginName", "pluginName field must be less than 256 characters long")


def url_fault(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        _ = parts.port
    except ValueError as error:
        return f'"{url}" is not a URL: {error}'
    if parts.scheme not in SCHEMES:
        return f'"{url}": url must have schema one of [http, https, file, oci]'
    return ""


def check_environment(report: Report, path: str, config: VmConfig | None) -> None:
    if config is None:
        return
    seen: set[str] = set()
    for index, variable in enumerate(config.env):
        where = f"{path}.env[{index}]"
        if not variable.name:
            report.error(f"{where}.name", "name must be at least 1 character long")
        elif variable.name in seen:
            report.error(f"{where}.name", f'duplicate env: Duplicate value "{variable.name}"')
        seen.add(variable.name)
        if variable.value_from is not EnvValueSource.INLINE and variable.value:
            report.error(f"{where}.value", "value may only be set when valueFrom is INLINE")
        if len(variable.value) > VALUE_LIMIT:
            report.error(f"{where}.value", f"value is longer than {VALUE_LIMIT} characters")


def check_match(report: Report, selectors: Sequence[TrafficSelector]) -> None:
    for index, selector in enumerate(selectors):
        for number, port in enumerate(selector.ports):
            names.check_port(report, f"spec.match[{index}].ports[{number}].number", port.number)
