"""ServiceEntry."""

import pytest
import yaml

from tests.unit.config.validation.found import found


def entry(text: str) -> list[str]:
    spec = {
        "hosts": ["a.b"],
        "resolution": "DNS",
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
    } | yaml.safe_load(text)
    return [problem.replace("spec.", "") for problem in found("ServiceEntry", spec)]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{resolution: NONE, addresses: [10.0.0.0/8], hosts: ['*.b']}",
        "{resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {http: 8080}}]}",
        "{resolution: STATIC, endpoints: [{address: 'unix:///a'}]}",
        "{resolution: STATIC, workloadSelector: {labels: {app: a}}}",
        "{hosts: ['*.b'], endpoints: [{address: a.b}]}",
        "{resolution: DYNAMIC_DNS, hosts: ['*.b']}",
        "{exportTo: ['~']}",
    ],
)
def test_ordinary_entries_are_fine(text: str) -> None:
    assert entry(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{hosts: []}", "error hosts"),
        ("{hosts: ['*']}", "error hosts[0]"),
        ("{hosts: ['*.b']}", "error hosts[0]"),
        ("{addresses: [10.0.0.0/8]}", "error addresses"),
        ("{addresses: [ten]}", "error addresses[0]"),
        ("{ports: [{number: 80, name: a}, {number: 80, name: b}]}", "error ports[1].number"),
        ("{ports: [{number: 80, name: a}, {number: 81, name: a}]}", "error ports[1].name"),
        ("{ports: [{number: 80, name: a, targetPort: 70000}]}", "error ports[0].targetPort"),
        ("{ports: [{number: 80, name: a, protocol: SMTP}]}", "error ports[0].protocol"),
        ("{resolution: NONE, endpoints: [{address: 10.0.0.1}]}", "error endpoints"),
        ("{resolution: STATIC, endpoints: [{address: a.b}]}", "error endpoints[0].address"),
        ("{endpoints: [{address: 10.0.0.1, ports: {other: 1}}]}",
         "error endpoints[0].ports[other]"),
        ("{endpoints: [{address: 'unix:///a'}]}", "error endpoints[0].address"),
        ("{resolution: DNS_ROUND_ROBIN, endpoints: [{address: a.b}, {address: b.c}]}",
         "error endpoints"),
        ("{resolution: DYNAMIC_DNS}", "error hosts"),
        ("{resolution: DYNAMIC_DNS, hosts: ['*.b'], ports: [{number: 1, name: a, protocol: TCP}]}",
         "error ports[0].protocol"),
        ("{resolution: NONE, workloadSelector: {labels: {a: b}}}", "warning resolution"),
        ("{resolution: NONE, ports: [{number: 1, name: a, protocol: TCP}]}",
         "warning ports[0].protocol"),
        ("{hosts: [a.b, c.d], addresses: [10.0.0.1], "
         "ports: [{number: 443, name: a, protocol: TLS}]}",
         "warning ports[0]"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(text: str, problem: str) -> None:
    assert entry(text) == [problem]


def test_selector_and_endpoints_exclude_each_other() -> None:
    text = "{workloadSelector: {labels: {a: b}}, endpoints: [{address: 10.0.0.1}]}"
    assert entry(text) == ["error spec"]
