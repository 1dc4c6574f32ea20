"""`lateen agent`: the part of the mesh that stands beside one workload."""

import argparse
from typing import Any


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "agent",
        help="run the agent beside a workload",
        description="Keeps a workload's Envoy running: configuration, certificates, DNS, health.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    run_parser = actions.add_parser(
        "run",
        help="run in the foreground until SIGTERM",
        description="Runs one workload's agent and Envoy. SIGTERM drains and stops; a second one "
        "stops at once.",
        epilog="example: lateen agent run --config /run/mesh/front-1/agent.json",
    )
    run_parser.add_argument("--config", required=True, metavar="FILE", help="settings, as JSON")
    run_parser.add_argument(
        "--log-level",
        default="info",
        choices=["debug", "info", "warning", "error"],
        help="least important messages to print (default: info)",
    )


def run(arguments: argparse.Namespace) -> int:
    import os
    from pathlib import Path

    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # Envoy is started by exec: no need
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # our own log says what matters
    from lateen.agent import foreground, settings

    return foreground.run(settings.read(Path(arguments.config)), log_level=arguments.log_level)
