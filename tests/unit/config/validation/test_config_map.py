"""The ConfigMap of the mesh."""

import json

import pytest

from lateen.config.documents import documents
from lateen.config.examine import examine


def found(name: str, **data: str) -> list[str]:
    resource = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "istio-system"},
        "data": data,
    }
    (document,) = examine(documents(json.dumps(resource)))
    return [f"{problem.severity} {problem.path} {problem.message}" for problem in document.problems]


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ({"mesh": "connectTimeout: soon"}, 'error data.mesh connectTimeout: "soon" is not'),
        ({"mesh": "trustDomain: a_b"}, "error data.mesh trustDomain: trustDomain:"),
        ({"mesh": "enableTracin: true"}, 'warning data.mesh enableTracin: unknown field'),
        ({"mesh": "a: ["}, "error data.mesh not valid YAML:"),
        ({"meshNetworks": "networks: {n: {gateways: [{port: 1}]}}"},
         "error data.meshNetworks networks[n].gateways[0]:"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_key(data: dict[str, str], start: str) -> None:
    problems = found("istio", **data)
    assert len(problems) == 1
    assert problems[0].startswith(start)


def test_sound_and_foreign_config_maps_are_fine() -> None:
    assert found("istio", mesh="", meshNetworks="networks: {}") == []
    assert found("istio-canary", mesh="enableTracing: false") == []
    assert found("anything", mesh="a: [") == []
