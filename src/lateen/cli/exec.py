"""`lateen exec`: a command in a workload's place, with its network, names and environment."""

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "exec",
        help="run a command in a workload's place",
        description="Runs COMMAND where the workload runs: its network namespace, its DNS, its "
        "environment; what it sends passes the workload's proxy and carries its identity.",
        epilog="example: lateen exec api-gateway -- curl http://threat-engine/",
    )
    parser.add_argument("workload", metavar="WORKLOAD", help="NAME or NAME.NAMESPACE")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: the only one)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")


def run(arguments: argparse.Namespace) -> int:
    from lateen.local import place, state

    command = arguments.command
    if command and command[0] == "--":
        command = command[1:]
    mesh = state.chosen_mesh(arguments.name)
    pod = state.find_pod(mesh, arguments.workload, arguments.namespace)
    place.execute(mesh, pod, tuple(command) or ("sh",))
