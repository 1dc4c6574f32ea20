"""A MeshConfig document: YAML laid over the defaults, as the control plane uses it.

Laying over is by field of the text, so that an explicit `false` or `0` counts. Scalars, lists and
messages replace; proxy metadata merges by key, extension providers by name.
"""

from dataclasses import replace
from typing import Any

from lateen.api.mesh_config import DEFAULTS, MeshConfig
from lateen.base.problem import Problem
from lateen.config import yaml_text
from lateen.config.decode import decode
from lateen.config.structure import plain


def read_mesh_config(text: str, file: str = "") -> tuple[MeshConfig, tuple[Problem, ...]]:
    """The effective configuration; with errors in the text, the defaults."""
    try:
        tree = yaml_text.parse(text)
    except yaml_text.SyntaxProblem as error:
        problem = Problem(
            code="syntax",
            message=f"not valid YAML: {error}",
            file=file,
            line=error.line,
            column=error.column,
        )
        return DEFAULTS, (problem,)
    config, problems = effective(tree or {}, strict=False)
    positions = yaml_text.Positions(text, 1)
    located = []
    for problem in problems:
        line, column = positions.find(problem.path)
        located.append(replace(problem, file=file, line=line, column=column))
    return config or DEFAULTS, tuple(located)


def effective(tree: Any, *, strict: bool) -> tuple[MeshConfig | None, list[Problem]]:
    """The tree of a MeshConfig over the defaults, and what is wrong with the tree itself."""
    given, problems = decode(tree, MeshConfig, path="", strict=strict)
    if given is None:
        return None, problems
    config, _ = decode(
        laid_over(plain(DEFAULTS), named(tree, given)), MeshConfig, path="", strict=False
    )
    return config, problems


def named(tree: dict[str, Any], given: MeshConfig) -> dict[str, Any]:
    """What the tree says, under JSON names and in one spelling."""
    return written(tree, plain(given))


def written(tree: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """Those fields of `whole` that the tree has, in either spelling."""
    present = {yaml_text.plain(str(key)) for key, value in tree.items() if value is not None}
    result = {key: value for key, value in whole.items() if yaml_text.plain(key) in present}
    for key, value in tree.items():
        if yaml_text.plain(str(key)) == "defaultconfig" and isinstance(value, dict):
            result["defaultConfig"] = written(value, whole["defaultConfig"])
    return result


def laid_over(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    result = base | layer
    if "defaultConfig" in layer:
        result["defaultConfig"] = proxy_laid_over(base["defaultConfig"], layer["defaultConfig"])
    if "extensionProviders" in layer:
        providers = {one["name"]: one for one in base["extensionProviders"]}
        providers |= {one["name"]: one for one in layer["extensionProviders"]}
        result["extensionProviders"] = list(providers.values())
    return result


def proxy_laid_over(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    result = base | layer
    if "tracingServiceName" in layer:
        result.pop("serviceCluster", None)  # the other member of the oneof
    if "proxyMetadata" in layer:
        result["proxyMetadata"] = base.get("proxyMetadata", {}) | layer["proxyMetadata"]
    return result
