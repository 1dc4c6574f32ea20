"""VirtualService."""

from typing import Any

import pytest

from tests.unit.config.validation.found import found

ROUTE = {"route": [{"destination": {"host": "a"}}]}


def service(**fields: Any) -> list[str]:
    return found("VirtualService", {"hosts": ["a.b"], "http": [ROUTE], **fields})


def test_an_ordinary_one_is_fine() -> None:
    assert service() == []
    assert service(hosts=["reviews"], gateways=["mesh", "infra/gw", "./gw", "gw"]) == []
    assert service(hosts=["10.0.0.1"], exportTo=["."]) == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"hosts": ["*"]}, "spec.hosts[0]"),
        ({"hosts": ["a_b!"]}, "spec.hosts[0]"),
        ({"hosts": ["a.b", "a.b"]}, "spec.hosts[1]"),
        ({"hosts": ["*.b", "a.b"]}, "spec.hosts[1]"),
        ({"gateways": ["ns/*"]}, "spec.gateways[0]"),
        ({"gateways": ["/gw"]}, "spec.gateways[0]"),
        ({"http": []}, "spec"),
        ({"exportTo": ["*", "x"]}, "spec.exportTo"),
        ({"exportTo": ["~"]}, "spec.exportTo[0]"),
        ({"tcp": [{}]}, "spec.tcp[0]"),
        ({"tcp": [{"match": [{"destinationSubnets": ["1.2.3.4/99"]}], **ROUTE}]},
         "spec.tcp[0].match[0].destinationSubnets[0]"),
        ({"tls": [ROUTE]}, "spec.tls[0]"),
        ({"tls": [{"match": [{}], **ROUTE}]}, "spec.tls[0].match[0]"),
        ({"tls": [{"match": [{"sniHosts": ["x.y"]}], **ROUTE}]},
         "spec.tls[0].match[0].sniHosts[0]"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(fields: dict[str, Any], path: str) -> None:
    assert service(**fields) == [f"error {path}"]


def test_weights_must_not_all_be_nothing() -> None:
    two = [{"destination": {"host": "a"}}, {"destination": {"host": "b"}}]
    assert service(tcp=[{"route": two}]) == ["error spec.tcp[0].route"]
    assert service(http=[{"route": two}]) == ["error spec.http[0].route"]


def test_a_delegate_has_http_routes_only() -> None:
    assert service(hosts=[]) == []
    assert service(hosts=[], gateways=["gw"]) == ["error spec.gateways"]
    assert service(hosts=[], tcp=[ROUTE]) == ["error spec.tcp"]
    assert service(hosts=[], http=[{"delegate": {"name": "x"}}]) == ["error spec.http[0].delegate"]


def test_claims_are_for_gateways() -> None:
    match = {"match": [{"headers": {"@request.auth.claims.sub": {"exact": "x"}}}], **ROUTE}
    assert service(http=[match], gateways=["gw"]) == []
    assert service(http=[match]) == [
        "error spec.http[0].match[0].headers[@request.auth.claims.sub]"
    ]


def test_an_address_as_sni_is_doubtful() -> None:
    tls = [{"match": [{"sniHosts": ["1.2.3.4"]}], **ROUTE}]
    assert service(tls=tls) == ["warning spec.tls[0].match[0].sniHosts[0]"]


def test_the_old_form_of_a_gateway_name_is_doubtful() -> None:
    assert service(gateways=["gw.infra"]) == ["warning spec.gateways[0]"]
