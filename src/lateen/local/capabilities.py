"""Which of root's powers a container's processes keep: those a container has on Kubernetes.

    securityContext.privileged           all of them
    securityContext.capabilities.drop    then .add; `ALL` or names, with or without CAP_

The default is that of container runtimes without MKNOD: here devices are the machine's own. What is
not kept is gone for good, also for programs that the process starts.
"""

from collections.abc import Iterable

from lateen.api.kubernetes.pod import SecurityContext

NAMES = (  # by number, linux/capability.h
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"),
    *("SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW"),
    *("IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT"),
    *("SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD"),
    *("LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG"),
    *("WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE"),
)
NUMBERS = {name: number for number, name in enumerate(NAMES)}
ALL = frozenset(range(64))  # more than the kernel has
DEFAULT = frozenset(
    NUMBERS[name]
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
        *("NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP"),
    )
)


def kept(context: SecurityContext | None) -> frozenset[int]:
    """Numbers; ValueError, fit to be shown, for a name that is no capability."""
    if context is None:
        return DEFAULT
    if context.privileged:
        return ALL
    written = context.capabilities or {}
    added, dropped = _read(written.get("add")), _read(written.get("drop"))
    return (DEFAULT - dropped) | added


def _read(names: object) -> frozenset[int]:
    found: set[int] = set()
    for name in names if isinstance(names, Iterable) and not isinstance(names, str) else ():
        bare = str(name).upper().removeprefix("CAP_")
        if bare == "ALL":
            return ALL
        if bare not in NUMBERS:
            raise ValueError(f"{name} is no capability")
        found.add(NUMBERS[bare])
    return frozenset(found)
