"""An EnvoyFilter does to a proxy's resources what it does to Istio's own."""

import json
from pathlib import Path

import pytest

from lateen.envoy import messages
from lateen.simulate.configuration import configuration
from lateen.view import proxy_class as classes
from tests.envoy_check import assert_accepted
from tests.golden.envoy_filter_facts import RECORDED, facts
from tests.golden.test_istio_outbound import mesh_of_case


@pytest.mark.envoy
@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: str(file.stem))
def test_what_was_patched_is_what_istio_patches(file: Path) -> None:
    case = json.loads(file.read_text())
    mesh = mesh_of_case(case["config"])
    proxy = classes.proxy_from_description(case["node"], mesh)
    held = configuration(mesh, classes.classify(mesh, proxy.proxy_class))
    routes = list(held.routes.values())

    made = facts(
        [messages.to_json(each) for each in held.listeners],
        [messages.to_json(each) for each in held.clusters],
        [messages.to_json(each) for each in routes],
    )

    assert made == case["facts"]
    assert_accepted(listeners=held.listeners, clusters=held.clusters, routes=routes)
