"""The effective MeshConfig and MeshNetworks of a mesh, from whatever form they are given in.

How a text is laid over the defaults is for `config.mesh_config`. A document that cannot be read
changes nothing and is reported.
"""

from dataclasses import replace as replace_problem
from typing import Any

from msgspec.structs import fields, replace

from lateen.api.mesh_config import DEFAULTS, MeshConfig
from lateen.api.mesh_networks import MeshNetworks
from lateen.base.problem import Problem, Severity
from lateen.config import mesh_config, yaml_text
from lateen.config.decode import decode
from lateen.config.structure import plain

STAYS = "the defaults stay in force"


def effective(
    root_namespace: str, written: MeshConfig | str
) -> tuple[MeshConfig, tuple[Problem, ...]]:
    """`root_namespace` holds unless a namespace other than the default is written.

    A struct with a listen port is whole, as documents give it. Of another one those fields count
    that are not zero, for it does not tell what was written.
    """
    problems: tuple[Problem, ...] = ()
    if isinstance(written, str):
        config, problems = mesh_config.read_mesh_config(written)
    elif written.proxy_listen_port:
        config = written
    else:
        made, found = mesh_config.effective(_set_fields(written), strict=False)
        config, problems = made or DEFAULTS, tuple(found)
    if config.root_namespace == DEFAULTS.root_namespace:
        config = replace(config, root_namespace=root_namespace)
    return config, _reported(problems, "MeshConfig")


def networks(written: MeshNetworks | str) -> tuple[MeshNetworks, tuple[Problem, ...]]:
    if isinstance(written, MeshNetworks):
        return written, ()
    try:
        tree = yaml_text.parse(written)
    except yaml_text.SyntaxProblem as error:
        problem = Problem(code="syntax", message=f"not valid YAML: {error}")
        return MeshNetworks(), _reported((problem,), "MeshNetworks")
    made, problems = decode(tree or {}, MeshNetworks, path="", strict=False)
    return made or MeshNetworks(), _reported(tuple(problems), "MeshNetworks")


def _set_fields(written: MeshConfig) -> dict[str, Any]:
    blank, tree = MeshConfig(), plain(written)
    return {
        field.encode_name: tree[field.encode_name]
        for field in fields(MeshConfig)
        if getattr(written, field.name) != getattr(blank, field.name)
    }


def _reported(problems: tuple[Problem, ...], resource: str) -> tuple[Problem, ...]:
    return tuple(
        replace_problem(
            problem,
            resource=resource,
            hint=problem.hint or (STAYS if problem.severity is Severity.ERROR else ""),
        )
        for problem in problems
    )
