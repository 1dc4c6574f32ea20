"""WorkloadEntry and WorkloadGroup."""

import pytest

from tests.unit.config.validation.found import found


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{address: 10.0.0.1, ports: {http: 8080}}", []),
        ("{address: vm.example}", []),
        ("{address: 'unix:///run/a.sock'}", []),
        ("{network: n}", []),
        ("{}", ["error spec.address"]),
        ("{address: 'a:80'}", ["error spec.address"]),
        ("{address: 'unix://a'}", ["error spec.address"]),
        ("{address: 'unix:///a/'}", ["error spec.address"]),
        ("{address: 'unix:///a', ports: {http: 1}}", ["error spec.ports"]),
        ("{address: 10.0.0.1, ports: {'@': 1}}", ["error spec.ports[@]"]),
        ("{address: 10.0.0.1, labels: {a: '~'}}", ["error spec.labels[a]"]),
    ],
)
def test_an_entry_has_an_address(spec: str, problems: list[str]) -> None:
    assert found("WorkloadEntry", spec) == problems


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{template: {}}", []),
        ("{template: {}, probe: {httpGet: {port: 80, scheme: HTTPS}}}", []),
        ("{}", ["error spec.template"]),
        ("{template: {}, metadata: {labels: {'.': a}}}", ["error spec.metadata.labels[.]"]),
        ("{template: {}, probe: {periodSeconds: -1}}", ["error spec.probe.periodSeconds"]),
        ("{template: {}, probe: {tcpSocket: {}}}", ["error spec.probe.tcpSocket.port"]),
        ("{template: {}, probe: {exec: {}}}", ["error spec.probe.exec.command"]),
        ("{template: {}, probe: {httpGet: {port: 1, httpHeaders: [{name: '**'}]}}}",
         ["error spec.probe.httpGet.httpHeaders[0].name"]),
    ],
)  # fmt: skip
def test_a_group_has_a_template(spec: str, problems: list[str]) -> None:
    assert found("WorkloadGroup", spec) == problems
