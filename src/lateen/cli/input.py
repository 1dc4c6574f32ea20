"""What commands that read configuration have in common: the paths given, and the mesh in them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lateen.config.documents import Reading
    from lateen.view.mesh import Mesh


def add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--file", dest="files", metavar="PATH", action="append", default=[],
        help="a file, a folder (recursive) or - for standard input; may be repeated",
    )  # fmt: skip
    parser.add_argument("paths", nargs="*", metavar="PATH", help="more files and folders")


def add_mesh_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root-namespace", default="istio-system", metavar="NAMESPACE")
    parser.add_argument("--trust-domain", default="", metavar="DOMAIN")
    parser.add_argument("--mesh-config", metavar="FILE", help="a MeshConfig document")


def files(arguments: argparse.Namespace) -> list[str]:
    return [*arguments.files, *arguments.paths]


def folder_namespace(paths: Sequence[str]) -> str:
    """Where `lateen up` would put objects that name no namespace."""
    from lateen.local import settings

    folders = (Path(path) for path in paths if Path(path).is_dir())
    found = (settings.read(folder).settings.namespace for folder in folders)
    return next(filter(None, found), "default")


def read_mesh(arguments: argparse.Namespace, reading: "Reading") -> "Mesh":
    """The mesh of what was read, under the options of `add_mesh_options`."""
    from lateen.api.resource import Change
    from lateen.view.mesh import Mesh, Settings

    given = Path(arguments.mesh_config).read_text() if arguments.mesh_config else None
    mesh = Mesh(
        Settings(
            trust_domain=arguments.trust_domain,
            root_namespace=arguments.root_namespace,
            mesh_config=given,
        )
    )
    mesh.apply(Change(resource.key, resource) for resource in reading.resources)
    return mesh
