"""Traffic policies of a DestinationRule."""

import pytest
import yaml

from tests.unit.config.validation.found import found


def policy(text: str) -> list[str]:
    problems = found("DestinationRule", {"host": "a", "trafficPolicy": yaml.safe_load(text)})
    return [problem.replace("spec.trafficPolicy", "").rstrip() for problem in problems]


@pytest.mark.parametrize(
    "text",
    [
        "{loadBalancer: {simple: RANDOM}}",
        "{connectionPool: {tcp: {maxConnections: 1, connectTimeout: 1s}}}",
        "{connectionPool: {http: {http2KeepAlive: {interval: 15s, timeout: 5s}}}}",
        "{outlierDetection: {consecutive5xxErrors: 5, interval: 10s, maxEjectionPercent: 100}}",
        "{tls: {mode: MUTUAL, clientCertificate: a, privateKey: b, caCertificates: c}}",
        "{tls: {mode: SIMPLE, credentialName: a, subjectAltNames: [b]}}",
        "{tls: {mode: ISTIO_MUTUAL}}",
        "{portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}]}",
        "{tunnel: {targetHost: a.b, targetPort: 80}}",
        "{retryBudget: {percent: 25, minRetryConcurrency: 5}}",
    ],
)
def test_ordinary_policies_are_fine(text: str) -> None:
    assert policy(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{}", "error"),
        ("{connectionPool: {}}", "error .connectionPool"),
        ("{connectionPool: {tcp: {maxConnections: -1}}}",
         "error .connectionPool.tcp.maxConnections"),
        ("{connectionPool: {tcp: {connectTimeout: 1us}}}",
         "error .connectionPool.tcp.connectTimeout"),
        ("{connectionPool: {http: {http1MaxPendingRequests: -1}}}",
         "error .connectionPool.http.http1MaxPendingRequests"),
        ("{connectionPool: {http: {h2UpgradePolicy: UPGRADE, useClientProtocol: true}}}",
         "error .connectionPool.http"),
        ("{connectionPool: {http: {http2KeepAlive: {interval: 1s}}}}",
         "error .connectionPool.http.http2KeepAlive.timeout"),
        ("{outlierDetection: {maxEjectionPercent: 101}}",
         "error .outlierDetection.maxEjectionPercent"),
        ("{outlierDetection: {consecutiveLocalOriginFailures: 1}}",
         "error .outlierDetection.consecutiveLocalOriginFailures"),
        ("{outlierDetection: {consecutiveErrors: 1}}",
         "warning .outlierDetection.consecutiveErrors"),
        ("{portLevelSettings: [{tls: {mode: DISABLE}}]}", "error .portLevelSettings[0].port"),
        ("{tls: {mode: MUTUAL, clientCertificate: a}}", "error .tls.privateKey"),
        ("{tls: {mode: SIMPLE, credentialName: a, caCertificates: b}}",
         "error .tls.caCertificates"),
        ("{tls: {mode: SIMPLE, insecureSkipVerify: true, subjectAltNames: [a]}}",
         "error .tls.subjectAltNames"),
        ("{tunnel: {protocol: GET, targetHost: a, targetPort: 80}}", "error .tunnel.protocol"),
        ("{tunnel: {targetHost: '*.a', targetPort: 80}}", "error .tunnel.targetHost"),
        ("{tunnel: {targetHost: a}}", "error .tunnel.targetPort"),
        ("{tunnel: {targetHost: a, targetPort: 1}, proxyProtocol: {}}", "error"),
        ("{retryBudget: {percent: 101}}", "error .retryBudget.percent"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(text: str, problem: str) -> None:
    assert policy(text) == [problem]
