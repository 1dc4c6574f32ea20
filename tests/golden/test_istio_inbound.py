"""Inbound and gateway listeners are those that Istio itself makes of the same input."""

import json
from pathlib import Path

import pytest

from lateen.envoy import messages
from lateen.simulate.configuration import configuration
from lateen.view import proxy_class as classes
from tests.envoy_check import assert_accepted
from tests.golden.inbound_facts import RECORDED, facts
from tests.golden.test_istio_outbound import mesh_of_case

CASES = sorted(RECORDED.glob("*.json"))


@pytest.mark.envoy
@pytest.mark.parametrize("file", CASES, ids=lambda file: str(file.stem))
def test_what_a_proxy_is_sent_is_what_istio_sends(file: Path) -> None:
    case = json.loads(file.read_text())
    mesh = mesh_of_case(case["config"])
    proxy = classes.proxy_from_description(case["node"], mesh)
    held = configuration(mesh, classes.classify(mesh, proxy.proxy_class))
    listeners = [each for each in held.listeners if each.name in case["listeners"]]
    routes = list(held.routes.values()) if case["routes"] else []

    made = facts([messages.to_json(each) for each in listeners],
                 [messages.to_json(each) for each in routes])  # fmt: skip

    assert made["listeners"] == case["listeners"]
    assert made["routes"] == case["routes"]
    assert made["policy"] == case["policy"]
    assert_accepted(listeners=listeners, routes=routes)
