"""Limits of memory and CPU, by control groups of either version, where we may make them.

    v2   /sys/fs/cgroup/lateen/<mesh>/<pod>.<container>
    v1   /sys/fs/cgroup/{memory,cpu}/lateen/<mesh>/<pod>.<container>

Whether we may is found out by trying: root usually, an ordinary user seldom. A container beyond its
memory is killed, as in a cluster, and one beyond its CPU is slowed down.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lateen.api.kubernetes.pod import ResourceRequirements
from lateen.local import quantity

ROOT = Path("/sys/fs/cgroup")
OURS = "lateen"
PERIOD_MICROSECONDS = 100_000
CONTROLLERS = ("memory", "cpu")


@dataclass(frozen=True, slots=True)
class Limits:
    """`None` is no limit."""

    memory_bytes: int | None = None
    cpus: float | None = None

    @classmethod
    def of(cls, resources: ResourceRequirements) -> "Limits":
        """Raises ValueError for what is no quantity."""
        memory, cpu = resources.limits.get("memory"), resources.limits.get("cpu")
        return cls(
            memory_bytes=None if memory is None else quantity.in_units(memory, 1),
            cpus=None if cpu is None else float(quantity.parse(cpu)),
        )

    def __bool__(self) -> bool:
        return self.memory_bytes is not None or self.cpus is not None


class Cgroups:
    """Owns the groups of one mesh. `available` says whether there can be any."""

    def __init__(self, mesh: str, root: Path = ROOT) -> None:
        self._mesh = mesh
        self._unified = (root / "cgroup.controllers").exists()
        folders = [root] if self._unified else [root / name for name in CONTROLLERS]
        self._bases = tuple(folder / OURS / mesh for folder in folders)
        self.available = self._prepare()

    def create(self, name: str, limits: Limits) -> tuple[Path, ...]:
        """The groups that a process with these limits has to join; none when that fails."""
        if not self.available or not limits:
            return ()
        groups = tuple(base / name for base in self._bases)
        try:
            for group in groups:
                group.mkdir(exist_ok=True)
                for file, value in self._values(limits):
                    if (group / file).exists():
                        (group / file).write_text(value)
        except OSError:
            return ()
        return groups

    def close(self) -> None:
        for base in self._bases:
            _remove(base)

    def _values(self, limits: Limits) -> Iterator[tuple[str, str]]:
        """File and content for both versions; only those that exist are written."""
        if limits.memory_bytes is not None:
            yield "memory.max", str(limits.memory_bytes)
            yield "memory.limit_in_bytes", str(limits.memory_bytes)
        if limits.cpus is not None:
            microseconds = max(1000, int(limits.cpus * PERIOD_MICROSECONDS))
            yield "cpu.max", f"{microseconds} {PERIOD_MICROSECONDS}"
            yield "cpu.cfs_period_us", str(PERIOD_MICROSECONDS)
            yield "cpu.cfs_quota_us", str(microseconds)

    def _prepare(self) -> bool:
        try:
            for base in self._bases:
                base.mkdir(parents=True, exist_ok=True)
                if self._unified:
                    for folder in (base.parent.parent, base.parent, base):
                        (folder / "cgroup.subtree_control").write_text("+memory +cpu")
        except OSError:
            self.close()
            return False
        return True


def remove_leftovers(mesh: str, root: Path = ROOT) -> None:
    """Of a mesh that was killed. Makes nothing that was not there."""
    for folder in (root, *(root / name for name in CONTROLLERS)):
        _remove(folder / OURS / mesh)


def _remove(base: Path) -> None:
    """A group with a process in it stays; there should be none."""
    with contextlib.suppress(OSError):
        for group in [path for path in base.iterdir() if path.is_dir()]:
            with contextlib.suppress(OSError):
                group.rmdir()
        base.rmdir()
        base.parent.rmdir()
