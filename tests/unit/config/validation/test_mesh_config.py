"""MeshConfig: the mesh's own settings, its proxies', its providers'."""

import pytest
import yaml

from lateen.config.mesh_config import effective
from lateen.config.validation.mesh_config import check_mesh_config
from lateen.config.validation.report import Report


def mesh(text: str) -> list[str]:
    config, problems = effective(yaml.safe_load(text), strict=True)
    report = Report()
    if config is not None:
        check_mesh_config(report, config)
    return [f"{problem.severity} {problem.path}" for problem in (*problems, *report.problems)]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{}", []),
        ("{proxyListenPort: 0}", ["error proxyListenPort"]),
        ("{proxyHttpPort: 70000}", ["error proxyHttpPort"]),
        ("{connectTimeout: 31s}", ["error connectTimeout"]),
        ("{dnsRefreshRate: 1us}", ["error dnsRefreshRate"]),
        ("{trustDomain: a_b}", ["error trustDomain"]),
        ("{trustDomainAliases: [a, '']}", ["error trustDomainAliases[1]"]),
        ("{serviceSettings: [{hosts: [a.*]}]}", ["error serviceSettings[0].hosts[0]"]),
        ("{meshMTLS: {ecdhCurves: [P-256]}}", ["error meshMTLS.ecdhCurves"]),
        ("{tlsDefaults: {ecdhCurves: [P-256, P-1]}}", ["warning tlsDefaults.ecdhCurves[1]"]),
        ("{defaultHttpRetryPolicy: {retryOn: 5xx}}", ["error defaultHttpRetryPolicy"]),
        ("{defaultInboundHttpRetryPolicy: {attempts: 1, perTryTimeout: 1s}}",
         ["warning defaultInboundHttpRetryPolicy.perTryTimeout"]),
        ("{defaultTrafficPolicy: {outlierDetection: {maxEjectionPercent: 101}}}",
         ["error defaultTrafficPolicy.outlierDetection.maxEjectionPercent"]),
        ("{localityLbSetting: {failover: [{from: a, to: a}]}}",
         ["error localityLbSetting.failover[0]"]),
    ],
)  # fmt: skip
def test_settings_of_the_mesh(text: str, problems: list[str]) -> None:
    assert mesh(text) == problems
