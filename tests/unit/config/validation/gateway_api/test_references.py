"""References of routes to their parents."""

import pytest

from tests.unit.config.validation.gateway_api.findings import found


@pytest.mark.parametrize(
    ("parents", "paths"),
    [
        ("[{name: a}]", []),
        ("[{name: a, sectionName: x}, {name: a, sectionName: z}]", []),
        ("[{name: a, port: 80}, {name: a, port: 81}]", []),
        ("[{name: a}, {name: a, namespace: other}]", []),
        ("[{name: a}, {name: a}]", ["[1]"]),
        ("[{name: a, sectionName: x}, {name: a}]", ["[1]"]),
        ("[{name: ''}]", ["[0].name"]),
        ("[{name: a, port: 70000}]", ["[0].port"]),
        ("[{name: a, namespace: A}]", ["[0].namespace"]),
        ("[{name: a, group: 'a b'}]", ["[0].group"]),
    ],
)
def test_parents(parents: str, paths: list[str]) -> None:
    wanted = [f"error spec.parentRefs{path}" for path in paths]

    assert found("HTTPRoute", f"{{parentRefs: {parents}}}") == wanted
