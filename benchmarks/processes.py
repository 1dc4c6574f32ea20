"""What processes cost, as the kernel counts it: processor time and memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
UTIME, STIME, PARENT = 11, 12, 1  # fields of /proc/PID/stat after the name


@dataclass(frozen=True, slots=True)
class Memory:
    """In megabytes (10^6 bytes)."""

    pss: float  # shared pages are divided among those that share them
    private: float  # what would be free without the process


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads so far."""
    fields = _stat(pid)
    return (int(fields[UTIME]) + int(fields[STIME])) / TICKS_PER_SECOND


def memory(pid: int) -> Memory:
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024 / 1e6
    private = sum(size for name, size in sizes.items() if name.startswith("Private_"))
    return Memory(pss=sizes["Pss"], private=private)


def children(pid: int) -> tuple[int, ...]:
    return tuple(
        child for child in _all() if (fields := _try_stat(child)) and int(fields[PARENT]) == pid
    )


def envoy_of(agent_pid: int) -> int:
    """The Envoy that an agent runs."""
    for child in children(agent_pid) if agent_pid else ():
        if Path(f"/proc/{child}/exe").resolve().name == "envoy":
            return child
    raise LookupError(f"process {agent_pid} runs no Envoy")


def running_with(argument: str) -> int:
    """The process that has this very argument."""
    wanted = argument.encode()
    for pid in _all():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words and Path(f"/proc/{pid}/exe").resolve().name == "envoy":
            return pid
    raise LookupError(f"no Envoy has the argument {argument}")


def _all() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _try_stat(pid: int) -> list[str] | None:
    try:
        return _stat(pid)
    except OSError:
        return None
