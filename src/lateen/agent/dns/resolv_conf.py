"""What /etc/resolv.conf says: resolvers and search list (man 5 resolv.conf)."""

from dataclasses import dataclass
from pathlib import Path

MOST_SERVERS = 3  # the C library uses no more
DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class ResolvConf:
    servers: tuple[tuple[str, int], ...] = ()
    search: tuple[str, ...] = ()


def read(path: Path) -> ResolvConf:
    """A file that is missing says nothing."""
    try:
        return parse(path.read_text(errors="replace"))
    except OSError:
        return ResolvConf()


def parse(text: str) -> ResolvConf:
    servers: list[tuple[str, int]] = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) < 2:
            continue
        if words[0] == "nameserver":
            servers.append((words[1], DNS_PORT))
        elif words[0] in ("search", "domain"):  # the last of either counts
            search = tuple(words[1:])
    return ResolvConf(tuple(servers[:MOST_SERVERS]), search)


def server(text: str) -> tuple[str, int]:
    """`HOST` or `HOST:PORT`, as the settings write it."""
    host, _, port = text.rpartition(":")
    if host and port.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), int(port)
    return text.strip("[]"), DNS_PORT
