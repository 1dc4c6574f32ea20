"""Gateway, and TLS of servers."""

from typing import Any

import pytest
import yaml

from tests.unit.config.validation.found import found


def server(text: str = "{}", **port: Any) -> list[str]:
    whole = {
        "hosts": ["a.b"],
        "port": {"number": 80, "name": "http", "protocol": "HTTP", **port},
    } | yaml.safe_load(text)
    return [
        problem.replace("spec.servers[0]", "").rstrip()
        for problem in found("Gateway", {"servers": [whole]})
    ]


def tls(text: str) -> list[str]:
    return [
        problem.replace(".tls", "", 1).rstrip()
        for problem in server(f"{{tls: {text}}}", protocol="HTTPS")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{hosts: ['*', ./a.b, '*/a.b', infra/a.b, 1.2.3.4]}",
        "{tls: {httpsRedirect: true}}",
        "{bind: 10.0.0.1}",
    ],
)
def test_ordinary_servers_are_fine(text: str) -> None:
    assert server(text) == []


@pytest.mark.parametrize(
    ("text", "port", "problem"),
    [
        ("{hosts: []}", {}, "error .hosts"),
        ("{hosts: [short]}", {}, "error .hosts[0]"),
        ("{hosts: [~/a.b]}", {}, "error .hosts[0]"),
        ("{bind: nowhere}", {}, "error .bind"),
        ("{bind: 'unix:///a'}", {}, "error .port.number"),
        ("{}", {"name": ""}, "error .port.name"),
        ("{}", {"number": 0}, "error .port.number"),
        ("{}", {"protocol": "SMTP"}, "error .port.protocol"),
        ("{}", {"protocol": "HTTPS"}, "error"),
        ("{}", {"targetPort": 1}, "warning .port.targetPort"),
        ("{tls: {mode: SIMPLE, credentialName: a}}", {}, "error .tls"),
        ("{tls: {mode: SIMPLE, credentialName: a}}", {"protocol": "TCP"}, "error .tls"),
        ("{tls: {httpsRedirect: true}}", {"protocol": "HTTPS"}, "warning .tls.httpsRedirect"),
    ],
)
def test_a_mistake_is_found_where_it_is(text: str, port: dict[str, Any], problem: str) -> None:
    assert server(text, **port) == [problem]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{mode: SIMPLE, credentialName: a}", []),
        ("{mode: SIMPLE, serverCertificate: a, privateKey: b, cipherSuites: [-ALL]}", []),
        ("{mode: MUTUAL, serverCertificate: a, privateKey: b, caCertificates: c}", []),
        ("{mode: ISTIO_MUTUAL}", []),
        ("{mode: SIMPLE}", ["error .serverCertificate", "error .privateKey"]),
        ("{mode: SIMPLE, credentialName: a, credentialNames: [b]}", ["error"]),
        ("{mode: SIMPLE, serverCertificate: a, privateKey: b, caCrl: c}", ["error .caCrl"]),
        ("{mode: MUTUAL, serverCertificate: a, privateKey: b}", ["error .caCertificates"]),
        ("{mode: OPTIONAL_MUTUAL, tlsCertificates: [{serverCertificate: a}], caCertificates: c}",
         ["error .tlsCertificates[0].privateKey"]),
        ("{mode: ISTIO_MUTUAL, credentialName: a}", ["error .credentialName"]),
        ("{mode: PASSTHROUGH, credentialName: a}", ["warning .credentialName"]),
        ("{mode: SIMPLE, credentialName: a, cipherSuites: [NONE]}", ["warning .cipherSuites[0]"]),
    ],
)  # fmt: skip
def test_a_server_has_one_source_of_certificates(text: str, problems: list[str]) -> None:
    assert tls(text) == problems


def test_a_gateway_has_servers_whose_ports_have_different_names() -> None:
    one = {"hosts": ["a.b"], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}
    assert found("Gateway", {"servers": []}) == ["error spec.servers"]
    assert found("Gateway", {"servers": [one, one]}) == ["error spec.servers[1].port.name"]
