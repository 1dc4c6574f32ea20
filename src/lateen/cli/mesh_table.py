"""A running mesh as a table for the terminal."""

import sys
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lateen.local.state import PodState, Status

COLOURS = {"ready": "green", "starting": "yellow", "none": "dim", "stopped": "dim"}

UNBOUNDED_COLUMNS = 400  # of a file or a pipe: nothing is broken into lines there


def console() -> Console:
    """Standard output, as wide as its terminal if it is one."""
    return Console(width=None if sys.stdout.isatty() else UNBOUNDED_COLUMNS)


class MeshView:
    """Draws the status it was last given; keeps which messages were shown already."""

    def __init__(self, name: str, mode: str) -> None:
        self._name, self._mode = name, mode
        self._status = Status()
        self._shown: list[str] = []

    def take(self, status: Status) -> Iterator[str]:
        """The messages that are new in this status."""
        self._status = status
        new = list(status.messages)
        for message in self._shown:
            if message in new:
                new.remove(message)
        self._shown += new
        yield from new

    def show(self, status: Status, console: Console) -> None:
        """Takes the status and prints what is new; lines are left whole, to be copied."""
        for line in self.take(status):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __rich__(self) -> RenderableType:
        return Group(self._headline(), pod_table(self._status.pods), *self._below())

    def _headline(self) -> RenderableType:
        ready = sum(pod.ready or pod.phase == "Succeeded" for pod in self._status.pods)
        text = f"mesh {self._name} ({self._mode}): {ready} of {len(self._status.pods)} ready"
        if self._status.phase == "ready":
            return Text(text, style="bold green")
        return Spinner("dots", text=Text(f"{text}, {self._status.phase}", style="bold"))

    def _below(self) -> Iterator[RenderableType]:
        for gateway in self._status.gateways:
            yield Text(
                f"gateway {gateway.pod} port {gateway.port}: http://{gateway.address}",
                style="bold",
            )
        for notice in self._status.notices:
            yield Text(f"note: {notice}", style="yellow")


def pod_table(pods: tuple[PodState, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("WORKLOAD", "NAMESPACE", "PROXY", "RESTARTS", "ADDRESS", "STATUS"):
        table.add_column(column, overflow="fold", no_wrap=column != "STATUS")
    for pod in sorted(pods, key=lambda pod: (pod.namespace, pod.name)):
        status = Text(pod.phase, style="green" if pod.ready else "")
        if pod.exit_code is not None:
            status.append(f" (exit {pod.exit_code})")
        if pod.reason:
            status.append(f" {pod.reason}", style="yellow")
        table.add_row(
            pod.workload,
            pod.namespace,
            Text(pod.proxy, style=COLOURS.get(pod.proxy, "")),
            str(pod.restarts),
            pod.address,
            status,
        )
    return table
