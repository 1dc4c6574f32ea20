"""The ConfigMap of the mesh (`istio`, or `istio-REVISION`): the documents in its keys.

Other ConfigMaps are nobody's business here.
"""

from dataclasses import replace
from typing import Any

from lateen.api.kubernetes.config import ConfigMap
from lateen.api.mesh_networks import MeshNetworks
from lateen.api.resource import Resource
from lateen.base.problem import Problem
from lateen.config import yaml_text
from lateen.config.decode import decode
from lateen.config.mesh_config import effective
from lateen.config.validation.mesh_config import check_mesh_config
from lateen.config.validation.mesh_networks import check_networks
from lateen.config.validation.report import Report

NAME = "istio"
MESH, NETWORKS = "mesh", "meshNetworks"


def check(resource: Resource[ConfigMap], report: Report) -> None:
    data = resource.spec.data
    if resource.name != NAME and not resource.name.startswith(f"{NAME}-"):
        return
    if MESH in data:
        report.problems += within(MESH, mesh_problems(data[MESH]))
    if NETWORKS in data:
        report.problems += within(NETWORKS, network_problems(data[NETWORKS]))


def within(key: str, problems: list[Problem]) -> list[Problem]:
    """Placed at the key; what the path is inside it is told in words."""
    return [
        replace(
            problem,
            path=f"data.{key}",
            message=f"{problem.path}: {problem.message}" if problem.path else problem.message,
        )
        for problem in problems
    ]


def tree_of(text: str) -> tuple[Any, list[Problem]]:
    try:
        return yaml_text.parse(text) or {}, []
    except yaml_text.SyntaxProblem as error:
        message = f"not valid YAML: {error}, in its line {error.line}"
        return None, [Problem(code="syntax", message=message)]


def mesh_problems(text: str) -> list[Problem]:
    tree, problems = tree_of(text)
    if tree is None:
        return problems
    config, problems = effective(tree, strict=False)
    report = Report()
    if config is not None:
        check_mesh_config(report, config)
    return [*problems, *report.problems]


def network_problems(text: str) -> list[Problem]:
    tree, problems = tree_of(text)
    if tree is None:
        return problems
    networks, problems = decode(tree, MeshNetworks, path="", strict=False)
    report = Report()
    if networks is not None:
        check_networks(report, networks)
    return [*problems, *report.problems]
