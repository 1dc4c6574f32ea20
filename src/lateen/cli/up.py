"""`lateen up`: a mesh on this machine, from the manifests that a cluster would get."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lateen.local.launch import Launched
    from lateen.local.state import Status

POLL_SECONDS = 0.1
READY_SECONDS = 120.0  # --detach and --check give up then; in the foreground nothing does
INTERRUPTED = 130


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "up",
        help="run a mesh on this machine from a folder of manifests",
        description="Starts control plane, proxies and applications of FOLDER's manifests on this "
        "machine and shows how they do. Ctrl-C stops everything and leaves nothing behind. A "
        "changed file changes the running mesh.",
        epilog="examples: lateen up examples/threat-modeling; lateen up --detach --check .",
    )
    parser.add_argument("folder", metavar="FOLDER", help="manifests, and perhaps a lateen.yaml")
    parser.add_argument("--detach", action="store_true", help="return once the mesh is ready")
    parser.add_argument(
        "--check",
        action="store_true",
        help="send the requests of lateen.yaml's check section, print how each fared, and stop "
        "(with --detach: keep running); exit 1 when one is not as expected",
    )
    parser.add_argument(
        "--mode",
        choices=("auto", "root", "userns", "explicit"),
        default="auto",
        help="how pods are kept apart (default: the best that this machine allows)",
    )
    parser.add_argument(
        "--name", "--mesh", default="", help="of the mesh (default: lateen.yaml's, FOLDER's)"
    )


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from lateen.local import launch

    launched = launch.launch(
        Path(arguments.folder),
        name=arguments.name,
        mode=arguments.mode,
        detached=arguments.detach,
    )
    if launched.removed:
        print(f"removed what an earlier mesh left: {', '.join(launched.removed)}", file=sys.stderr)
    try:
        if arguments.detach or arguments.check:
            return _until_ready(launched, check=arguments.check, keep=arguments.detach)
        return _watch(launched)
    except KeyboardInterrupt:
        print("\nstopping ...", file=sys.stderr)
        _stop(launched)
        return 0 if not arguments.check else INTERRUPTED


def _watch(launched: "Launched") -> int:
    """The table, as long as the mesh runs."""
    from rich.live import Live

    from lateen.cli.mesh_table import MeshView, console

    view = MeshView(launched.state.name, launched.mode)
    with Live(view, console=console(), refresh_per_second=4) as live:
        for status in _statuses(launched):
            view.show(status, live.console)
    return _ended(launched)


def _until_ready(launched: "Launched", *, check: bool, keep: bool) -> int:
    """Waits, shows the table, checks if asked, and stops unless the mesh is to go on."""
    from rich.live import Live

    from lateen.cli.mesh_table import MeshView, console

    view = MeshView(launched.state.name, launched.mode)
    with Live(view, console=console(), refresh_per_second=4, transient=True) as live:
        phase = _wait_ready(launched, lambda status: view.show(status, live.console))
    if launched.runner.poll() is not None:
        return _ended(launched)
    console().print(view)
    code = 0 if phase == "ready" else 1
    if code:
        print("not everything became ready; see: lateen logs WORKLOAD [--proxy]", file=sys.stderr)
    if check:
        from lateen.local import check as checks

        code = max(code, checks.run(launched.settings, launched.state, sys.stdout))
    if keep:
        return code
    _stop(launched)
    return code


def _wait_ready(launched: "Launched", show: "Callable[[Status], None]") -> str:
    """The phase when all are ready, or will not be, or when that takes too long."""
    import time

    deadline = time.monotonic() + READY_SECONDS
    phase = ""
    for status in _statuses(launched):
        show(status)
        phase = status.phase
        if phase == "ready" or status.is_stuck or time.monotonic() > deadline:
            break
    return phase


def _statuses(launched: "Launched") -> "Iterator[Status]":
    """Again and again, as long as the mesh runs."""
    import time

    while launched.runner.poll() is None:
        yield launched.state.status()
        time.sleep(POLL_SECONDS)


def _ended(launched: "Launched") -> int:
    """The runner has ended by itself: says why."""
    code = launched.runner.wait()
    trouble = launched.state.status().trouble
    if code and not trouble:
        from lateen.local.control_plane import tail

        trouble = f"the runner ended with {code}: {tail(launched.state.runner_log, 3)}"
    if trouble:
        print(f"lateen up: {trouble}", file=sys.stderr)
    return 1 if code else 0


def _stop(launched: "Launched") -> None:
    from lateen.local import cleanup

    cleanup.stop_runner(launched.runner, launched.state)
