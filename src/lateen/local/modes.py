"""Which way of running a mesh this machine allows, found out by trying, and what each lacks."""

import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass

from lateen.base.errors import LateenError
from lateen.intercept import nftables
from lateen.intercept.rules import PROXY_MARK, Capture, Owner, chains
from lateen.local import explicit, links, netns
from lateen.local.errors import LocalError

AUTO, ROOT, USERNS, EXPLICIT = "auto", "root", "userns", "explicit"
MODES = (AUTO, ROOT, USERNS, EXPLICIT)
SO_MARK = 36


@dataclass(frozen=True, slots=True)
class Choice:
    mode: str
    notices: tuple[str, ...] = ()


def choose(wished: str) -> Choice:
    """The wished mode, or the best that works. Raises LocalError when the wish cannot be had."""
    if wished == EXPLICIT:
        return Choice(EXPLICIT, _explicit_notices())
    if wished in (AUTO, ROOT):
        missing = _tried(_try_root) if os.geteuid() == 0 else "it needs root"
        if not missing:
            return Choice(ROOT)
        if wished == ROOT:
            raise LocalError(f"root mode does not work here: {missing}; try --mode auto")
    missing = _tried(_try_user_namespace)
    if not missing:
        return Choice(USERNS, (USERNS_NOTICE,))
    if wished == USERNS:
        raise LocalError(f"user namespaces do not work here: {missing}; {USERNS_REMEDY}")
    return Choice(EXPLICIT, _explicit_notices())


USERNS_NOTICE = (
    "user namespace: this machine reaches pods through gateways only, and pods reach the outside "
    "by TCP and DNS only; run as root to reach pods directly"
)
USERNS_REMEDY = (
    "allow them (sysctl kernel.unprivileged_userns_clone=1, or "
    "kernel.apparmor_restrict_unprivileged_userns=0), run as root, or use --mode explicit"
)
EXPLICIT_NOTICE = (
    "explicit mode: traffic is not captured, so applications must listen on $HOST and call "
    "others through $HTTP_PROXY or *_SERVICE_HOST, and volumes are in $LATEEN_VOLUMES; run as "
    "root, or allow user namespaces, for transparent capture and mounts"
)


UNPRIVILEGED_NOTICE = (
    "service ports below 1024 are reached through $HTTP_PROXY only; "
    "sysctl net.ipv4.ip_unprivileged_port_start=80 opens them"
)


def _explicit_notices() -> tuple[str, ...]:
    few = explicit.is_unprivileged()
    return (EXPLICIT_NOTICE, UNPRIVILEGED_NOTICE) if few else (EXPLICIT_NOTICE,)


def proxy_owner(paths: tuple[str, ...]) -> Owner:
    """By user 1337 where that user can reach all the files it needs, else by group alone."""
    return Owner.ID if all(_reachable(path) for path in paths) else Owner.GROUP


def enter_user_namespace() -> None:
    """Root in a user namespace of our own, with a network and mounts of our own. One thread only.

    Only the user's own ids exist inside: all processes there belong to the same user.
    """
    user, group = os.geteuid(), os.getegid()
    netns.unshare(netns.CLONE_NEWUSER | netns.CLONE_NEWNET | netns.CLONE_NEWNS)
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"0 {user} 1"),
            ("gid_map", f"0 {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as trouble:
        raise LocalError(f"map the user: {trouble.strerror}") from trouble
    netns.own_mounts()


def _reachable(path: str) -> bool:
    """Whether user 1337 could open it: every folder above lets others pass."""
    real = os.path.realpath(path)
    try:
        while real != "/":
            mode = os.stat(real).st_mode
            if not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
                return False
            real = os.path.dirname(real)
    except OSError:
        return False
    return True


def _tried(attempt: Callable[[], None]) -> str:
    """What goes wrong, tried in a process of its own; empty when nothing does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            attempt()
        except (LateenError, OSError) as trouble:
            os.write(writing, str(trouble).encode()[:1000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


def _try_root() -> None:
    """In a namespace of its own, so that nothing is left."""
    netns.unshare(netns.CLONE_NEWNET | netns.CLONE_NEWNS)
    _try_network()


def _try_user_namespace() -> None:
    enter_user_namespace()
    _try_network()
    with socket.socket() as marked:
        marked.setsockopt(socket.SOL_SOCKET, SO_MARK, PROXY_MARK)


def _try_network() -> None:
    pod = netns.NetworkNamespace.create()
    links.set_up("lo")
    links.add_bridge("probe")
    links.add_cable("probe0", bridge="probe", inside="eth0", namespace=pod.handle)
    with pod.entered():
        nftables.install(chains(Capture()))
