"""MeshNetworks."""

import pytest
import yaml

from lateen.api.mesh_networks import MeshNetworks
from lateen.config.decode import decode
from lateen.config.validation.mesh_networks import check_networks
from lateen.config.validation.report import Report


@pytest.mark.parametrize(
    ("network", "paths"),
    [
        ("{endpoints: [{fromRegistry: c1}], gateways: [{address: 1.2.3.4, port: 15443}]}", []),
        ("{endpoints: [{fromCidr: 10.0.0.0/8}], gateways: [{registryServiceName: a.b, port: 1}]}",
         []),
        ("{endpoints: [{}]}", ["networks[n].endpoints[0]"]),
        ("{endpoints: [{fromCidr: a}]}", ["networks[n].endpoints[0].fromCidr"]),
        ("{gateways: [{port: 1}]}", ["networks[n].gateways[0]"]),
        ("{gateways: [{address: 'a@b', port: 1}]}", ["networks[n].gateways[0].address"]),
        ("{gateways: [{address: a}]}", ["networks[n].gateways[0].port"]),
    ],
)  # fmt: skip
def test_networks(network: str, paths: list[str]) -> None:
    tree = yaml.safe_load(f"{{networks: {{n: {network}}}}}")
    networks, _ = decode(tree, MeshNetworks, path="", strict=True)
    assert networks is not None
    report = Report()
    check_networks(report, networks)
    assert [problem.path for problem in report.problems] == paths
