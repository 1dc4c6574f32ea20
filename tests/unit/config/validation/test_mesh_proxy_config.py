"""Settings of proxies in a MeshConfig."""

import pytest

from lateen.config.validation.mesh_proxy_config import address_fault
from tests.unit.config.validation.test_mesh_config import mesh


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{concurrency: 2, drainDuration: 30s}", []),
        ("{tracing: {zipkin: {address: 'zipkin:9411'}, customTags: {a: {literal: {value: b}}}}}",
         []),
        ("{configPath: ''}", ["error .configPath"]),
        ("{serviceCluster: ''}", ["error .serviceCluster"]),
        ("{drainDuration: 1.5s}", ["error .drainDuration"]),
        ("{drainDuration: 2h}", ["error .drainDuration"]),
        ("{discoveryAddress: istiod}", ["error .discoveryAddress"]),
        ("{statusPort: 0}", ["error .statusPort"]),
        ("{controlPlaneAuthPolicy: INHERIT}", ["error .controlPlaneAuthPolicy"]),
        ("{tracing: {datadog: {address: '$(HOST_IP):8126'}}}", []),
        ("{tracing: {lightstep: {address: 'a:1'}}}", ["error .tracing.lightstep.accessToken"]),
        ("{tracing: {sampling: 101}}", ["error .tracing.sampling"]),
        ("{tracing: {customTags: {a: {}}}}", ["error .tracing.customTags[a]"]),
        ("{privateKeyProvider: {}}", ["error .privateKeyProvider"]),
        ("{privateKeyProvider: {qat: {}}}", ["error .privateKeyProvider.qat.pollDelay"]),
        ("{connectionSettings: {http2InitialStreamWindowSize: 10}}",
         ["error .connectionSettings.http2InitialStreamWindowSize"]),
        ("{concurrency: -1}", ["error .concurrency"]),
        ("{proxyStatsMatcher: {inclusionRegexps: ['(']}}",
         ["error .proxyStatsMatcher.inclusionRegexps[0]"]),
    ],
)  # fmt: skip
def test_settings(text: str, problems: list[str]) -> None:
    shown = [problem.replace("defaultConfig", "") for problem in mesh(f"{{defaultConfig: {text}}}")]
    assert shown == problems


@pytest.mark.parametrize(
    ("address", "sound"),
    [
        ("a:80", True),
        ("10.0.0.1:80", True),
        ("[::1]:80", True),
        ("a.b.svc:65535", True),
        ("a", False),
        ("a:0", False),
        ("a:b", False),
        ("a:65536", False),
        ("::1:80", False),
        ("a..:80", False),
    ],
)
def test_an_address_is_host_and_port(address: str, sound: bool) -> None:
    assert (address_fault(address) == "") is sound
