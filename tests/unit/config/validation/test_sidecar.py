"""Sidecar."""

import pytest

from tests.unit.config.validation.found import found

EGRESS = "egress: [{hosts: ['*/*']}]"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (f"{{{EGRESS}}}", []),
        ("{egress: [{port: {number: 80, protocol: HTTP, name: a}, hosts: [./a.b]}, "
         "{hosts: [./*]}]}", []),
        ("{egress: [{hosts: ['*/*', ~infra/*, ~/a.b]}]}", []),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: '127.0.0.1:8080'}]}", []),
        ("{outboundTrafficPolicy: {mode: ALLOW_ANY}}", []),
        ("{}", ["error spec"]),
        ("{egress: [{}]}", ["error spec.egress[0].hosts"]),
        ("{egress: [{hosts: [a.b]}]}", ["error spec.egress[0].hosts[0]"]),
        ("{egress: [{hosts: [./short]}]}", ["error spec.egress[0].hosts[0]"]),
        ("{egress: [{hosts: [./*]}, {port: {number: 80}, hosts: [./*]}]}",
         ["error spec.egress[0]"]),
        ("{egress: [{port: {number: 80}, hosts: [./*]}, {port: {number: 80}, hosts: [./*]}]}",
         ["error spec.egress[1].port.number"]),
        ("{egress: [{port: {}, bind: 'unix:///a', hosts: [./*], captureMode: IPTABLES}]}",
         ["error spec.egress[0].captureMode"]),
        ("{egress: [{hosts: ['*/*', x/a.b]}]}", ["warning spec.egress[0].hosts"]),
        ("{egress: [{hosts: [./*, shop/a.b]}]}", ["warning spec.egress[0].hosts[1]"]),
        ("{ingress: [{defaultEndpoint: '127.0.0.1:1'}]}", ["error spec.ingress[0].port"]),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: '1.1.1.1:80'}]}",
         ["error spec.ingress[0].defaultEndpoint"]),
        ("{ingress: [{port: {number: 80}, defaultEndpoint: '127.0.0.1:x'}]}",
         ["error spec.ingress[0].defaultEndpoint"]),
        ("{ingress: [{port: {number: 80}}, {port: {number: 80}}]}",
         ["error spec.ingress[1].port.number"]),
        ("{ingress: [{port: {number: 80, protocol: HTTP}, tls: {mode: SIMPLE, "
         "serverCertificate: a, privateKey: b}}]}", ["error spec.ingress[0].tls"]),
        ("{ingress: [{port: {number: 80, protocol: HTTPS}, tls: {mode: ISTIO_MUTUAL}}]}",
         ["error spec.ingress[0].tls.mode"]),
        ("{ingress: [{port: {number: 80}, connectionPool: {}}]}",
         ["error spec.ingress[0].connectionPool"]),
        ("{outboundTrafficPolicy: {egressProxy: {host: a, port: {number: 1}}}}",
         ["error spec.outboundTrafficPolicy.egressProxy"]),
        ("{outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a}}}",
         ["error spec.outboundTrafficPolicy.egressProxy.port"]),
    ],
)  # fmt: skip
def test_listeners_and_hosts(spec: str, problems: list[str]) -> None:
    assert found("Sidecar", spec) == problems
