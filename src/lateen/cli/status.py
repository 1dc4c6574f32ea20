"""`lateen status`: the meshes of this machine and how their workloads do."""

import argparse
import sys
from typing import Any


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "status",
        help="show the running meshes and their workloads",
        description="Exit 1 when a workload is not ready.",
    )
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: all)")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")


def run(arguments: argparse.Namespace) -> int:
    from lateen.local import state

    meshes = [mesh for mesh in state.running_meshes() if arguments.name in ("", mesh.name)]
    statuses = [(mesh, mesh.status()) for mesh in meshes]
    if arguments.output == "json":
        _print_json(statuses)
    else:
        _print_table(statuses)
    if not meshes:
        print("no mesh runs here; start one with: lateen up FOLDER", file=sys.stderr)
        return 1
    return 0 if all(status.phase == "ready" for _, status in statuses) else 1


def _print_json(statuses: list[Any]) -> None:
    import json
    from dataclasses import asdict

    content = []
    for mesh, status in statuses:
        record = mesh.record()
        content.append({"record": asdict(record) if record else None, "status": asdict(status)})
    print(json.dumps(content, indent=2))


def _print_table(statuses: list[Any]) -> None:
    from lateen.cli.mesh_table import MeshView, console

    screen = console()
    for mesh, status in statuses:
        record = mesh.record()
        view = MeshView(mesh.name, record.mode if record else "")
        messages = list(view.take(status))
        screen.print(view)
        for message in messages[-5:]:
            screen.print(message, markup=False, highlight=False, soft_wrap=True)
