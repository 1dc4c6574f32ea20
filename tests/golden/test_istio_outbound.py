"""Outbound listeners and routes are those that Istio itself makes of the same input."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lateen.envoy import messages, types
from lateen.translate.listeners import outbound
from lateen.translate.routes import configuration
from lateen.view import proxy_class
from lateen.view.mesh import Mesh, Settings
from tests.envoy_check import assert_accepted
from tests.golden.outbound_facts import RECORDED, facts
from tests.unit.translate.outbound_world import apply

CASES = sorted(RECORDED.glob("*.json"))


@pytest.mark.envoy
@pytest.mark.parametrize("file", CASES, ids=lambda file: str(file.stem))
def test_what_a_sidecar_is_sent_is_what_istio_sends(file: Path) -> None:
    case = json.loads(file.read_text())
    mesh = mesh_of_case(case["config"])
    client = proxy_class.proxy_from_description(case["node"], mesh).proxy_class

    listeners = [
        outbound.listener(mesh, client, name) for name in outbound.listener_names(mesh, client)
    ]
    routes = [configuration.route_configuration(mesh, client, name) for name in case["routes"]]
    made = facts(
        [messages.to_json(types.Listener.FromString(each)) for each in listeners],
        [messages.to_json(types.RouteConfiguration.FromString(each)) for each in routes],
    )

    assert made["listeners"] == case["listeners"]
    assert made["routes"] == case["routes"]
    assert_accepted(listeners=listeners, routes=routes)


def mesh_of_case(config: str) -> Mesh:
    documents = [each for each in yaml.safe_load_all(config) if each]
    written: list[dict[str, Any]] = [each for each in documents if each["kind"] == "MeshConfig"]
    settings = {key: value for each in written for key, value in each.items() if key != "kind"}
    mesh = Mesh(Settings(mesh_config=yaml.safe_dump(settings) if settings else None))
    apply(mesh, (RECORDED / "world.yaml").read_text())
    resources = [each for each in documents if each["kind"] != "MeshConfig"]
    apply(mesh, yaml.safe_dump_all(resources))
    return mesh
