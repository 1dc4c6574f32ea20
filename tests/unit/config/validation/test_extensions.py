"""WasmPlugin and TrafficExtension."""

import pytest

from tests.unit.config.validation.found import found

DIGEST = "a" * 64


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{url: 'oci://a/b:1'}", []),
        ("{url: a/b}", []),
        (f"{{url: 'https://a/b', sha256: {DIGEST}, match: [{{ports: [{{number: 80}}]}}]}}", []),
        ("{}", ["error spec.url"]),
        ("{url: 'ftp://a'}", ["error spec.url"]),
        ("{url: a, sha256: abc}", ["error spec.sha256"]),
        (f"{{url: a, sha256: {DIGEST.upper()}}}", ["error spec.sha256"]),
        ("{url: a, pluginName: ''}", ["error spec.pluginName"]),
        ("{url: a, vmConfig: {env: [{}]}}", ["error spec.vmConfig.env[0].name"]),
        ("{url: a, vmConfig: {env: [{name: a}, {name: a}]}}", ["error spec.vmConfig.env[1].name"]),
        ("{url: a, vmConfig: {env: [{name: a, valueFrom: HOST, value: b}]}}",
         ["error spec.vmConfig.env[0].value"]),
        ("{url: a, match: [{ports: [{}]}]}", ["error spec.match[0].ports[0].number"]),
        ("{url: a, targetRef: {kind: Pod, name: a}}", ["error spec.targetRef"]),
    ],
)  # fmt: skip
def test_wasm_plugins(spec: str, problems: list[str]) -> None:
    assert found("WasmPlugin", spec) == problems


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{lua: {inlineCode: 'return'}}", []),
        ("{wasm: {url: a}}", []),
        ("{phase: AUTHN}", ["error spec"]),
        ("{lua: {}}", ["error spec.lua.inlineCode"]),
        ("{wasm: {}}", ["error spec.wasm.url"]),
        ("{wasm: {url: a}, lua: {inlineCode: x}}", ["error spec"]),
    ],
)
def test_traffic_extensions(spec: str, problems: list[str]) -> None:
    assert found("TrafficExtension", spec) == problems


def test_lua_code_has_a_limit() -> None:
    spec = {"lua": {"inlineCode": "x" * 65537}}
    assert found("TrafficExtension", spec) == ["error spec.lua.inlineCode"]
