"""`lateen logs`: what a workload, its proxy or the control plane has printed."""

import argparse
import sys
from typing import Any

POLL_SECONDS = 0.1


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "logs",
        help="print the log of a workload or its proxy",
        epilog="examples: lateen logs threat-engine-v1 -f; lateen logs api-gateway --proxy; "
        "lateen logs control",
    )
    parser.add_argument(
        "workload",
        metavar="WORKLOAD",
        help="pod or workload, NAME or NAME.NAMESPACE; or `control`, `rate-limit`, `runner`",
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    parser.add_argument("--proxy", action="store_true", help="Envoy's log: requests and messages")
    parser.add_argument("--agent", action="store_true", help="the log of the agent beside it")
    parser.add_argument("-c", "--container", default="", help="of several (default: all)")
    parser.add_argument("--tail", type=int, default=-1, metavar="N", help="the last N lines only")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: the only one)")


def run(arguments: argparse.Namespace) -> int:
    from lateen.local import state

    mesh = state.chosen_mesh(arguments.name)
    own = {
        "control": mesh.control_log,
        "rate-limit": mesh.rate_limit_log,
        "runner": mesh.runner_log,
    }
    if arguments.workload in own:
        files = [own[arguments.workload]]
    else:
        found = state.find_pod(mesh, arguments.workload, arguments.namespace)
        same = [p for p in mesh.status().pods if _is_same(p, found, arguments.workload)]
        folders = [mesh.logs(pod.namespace, pod.name) for pod in same]
        files = [file for folder in folders for file in _files(folder, arguments)]
    files = [file for file in files if file.exists() or arguments.follow]
    if not files:
        print("nothing has been printed yet", file=sys.stderr)
    for file in files:
        if len(files) > 1:
            print(f"==> {file.parent.name} {file.stem} <==", flush=True)
        _print(file, arguments.tail)
    if arguments.follow:
        _follow(files)
    return 0


def _is_same(pod: Any, found: Any, wanted: str) -> bool:
    """The pod itself when it was named, else all pods of its workload."""
    if wanted.rpartition("/")[2] in (found.name, found.id):
        return bool(pod.id == found.id)
    return bool((pod.workload, pod.namespace) == (found.workload, found.namespace))


def _files(folder: Any, arguments: argparse.Namespace) -> list[Any]:
    wanted = "proxy" if arguments.proxy else "agent" if arguments.agent else arguments.container
    if wanted:
        return [folder / f"{wanted}.log"]
    parts = ("proxy.log", "agent.log")
    found = [path for path in sorted(folder.glob("*.log")) if path.name not in parts]
    found = [path for path in found if not path.name.endswith(".probes.log")]
    return found or [folder / "proxy.log"]  # a gateway has nothing but its proxy


def _print(file: Any, tail: int) -> None:
    if not file.exists():
        return
    lines = file.read_text(errors="replace").splitlines(keepends=True)
    sys.stdout.writelines(lines if tail < 0 else lines[len(lines) - tail :] if tail else [])
    sys.stdout.flush()


def _follow(files: list[Any]) -> None:
    """Until Ctrl-C."""
    import time

    places = {file: file.stat().st_size if file.exists() else 0 for file in files}
    while True:
        for file, place in places.items():
            size = file.stat().st_size if file.exists() else 0
            if size < place:
                places[file] = place = 0  # set aside, and begun anew
            if size > place:
                with open(file, "rb") as log:
                    log.seek(place)
                    text = log.read(size - place)
                sys.stdout.write(text.decode(errors="replace"))
                sys.stdout.flush()
                places[file] = place + len(text)
        time.sleep(POLL_SECONDS)
