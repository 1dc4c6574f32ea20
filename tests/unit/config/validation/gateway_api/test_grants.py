"""ReferenceGrants, as the rules of their definition check them."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found

FROM = "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}]"
TO = "to: [{group: '', kind: Service}]"


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        (f"{{{FROM}, {TO}}}", []),
        (f"{{{FROM}}}", ["spec.to"]),
        (f"{{{TO}}}", ["spec.from"]),
        (f"{{from: [{{kind: HTTPRoute}}], {TO}}}", ["spec.from[0].namespace"]),
        (f"{{{FROM}, to: [{{kind: 'a b'}}]}}", ["spec.to[0].kind"]),
    ],
)
def test_both_sides(spec: str, paths: list[str]) -> None:
    assert found("ReferenceGrant", spec) == [f"error {path}" for path in paths]
