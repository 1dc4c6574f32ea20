"""`lateen down`: stops a mesh and removes what it, or an earlier one that was killed, left."""

import argparse
import sys
from typing import Any


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "down",
        help="stop a running mesh and remove what it left",
        description="Stops the mesh and removes its processes, networks and files. Also cleans "
        "up after a mesh whose runner was killed.",
    )
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: the only one)")
    parser.add_argument("--all", action="store_true", help="all meshes of this user")


def run(arguments: argparse.Namespace) -> int:
    from lateen.local import cleanup, state
    from lateen.local.errors import LocalError

    known = state.meshes()
    chosen = [mesh for mesh in known if arguments.name in ("", mesh.name)]
    if not chosen:
        wanted = f"no mesh named {arguments.name}" if arguments.name else "no mesh"
        print(f"{wanted} runs here or has left anything", file=sys.stderr)
        return 1 if arguments.name else 0
    if len(chosen) > 1 and not arguments.all:
        names = ", ".join(mesh.name for mesh in chosen)
        raise LocalError(f"several meshes: {names}; choose one with --mesh, or --all")
    for mesh in chosen:
        ran = mesh.running
        cleanup.stop(mesh)
        print(f"mesh {mesh.name} {'stopped' if ran else 'was not running; its leftovers removed'}")
    return 0
