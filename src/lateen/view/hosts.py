"""Hostnames as rules write them: short names, wildcards, and which of two is more specific.

Only a leading `*` is a wildcard; it stands for any text, dots included.
"""

from collections.abc import Iterator


def is_wildcard(host: str) -> bool:
    return host.startswith("*")


def matches(host: str, other: str) -> bool:
    """Whether some hostname falls under both; either may be a wildcard."""
    if is_wildcard(host):
        if is_wildcard(other):
            return host[1:].endswith(other[1:]) or other[1:].endswith(host[1:])
        return other.endswith(host[1:])
    if is_wildcard(other):
        return host.endswith(other[1:])
    return host == other


def is_subset(host: str, other: str) -> bool:
    """Whether all that falls under `host` falls under `other`."""
    if not is_wildcard(other):
        return host == other
    return host.removeprefix("*").endswith(other[1:]) and (
        not is_wildcard(host) or len(host) >= len(other)
    )


def specificity(host: str) -> tuple[bool, int, str]:
    """Sort key: exact before wildcard, longer before shorter, then by name."""
    return (is_wildcard(host), -len(host), host)


def bucket(host: str) -> str:
    """The row under which rules for a host are filed: itself, a wildcard by its whole labels.

    `*.example.com` is its own bucket; `*-eu.example.com` is filed under `*.example.com`.
    """
    if not is_wildcard(host) or host == "*" or host.startswith("*."):
        return host
    _, dot, rest = host.partition(".")
    return f"*.{rest}" if dot else "*"


def buckets(host: str) -> Iterator[str]:
    """Where rules that may cover `host` are filed, most specific first."""
    if host == "*":
        yield host
        return
    if not is_wildcard(host):
        yield host
        rest = host
    else:
        yield bucket(host)
        rest = bucket(host)[2:]
        if bucket(host) == "*":
            return
    while True:
        _, dot, rest = rest.partition(".")
        if not dot:
            break
        yield f"*.{rest}"
    yield "*"


def qualified(host: str, namespace: str, domain: str) -> str:
    """FQDN of a name as written in a resource of the namespace: a short name is resolved."""
    if not host or "." in host or is_wildcard(host) or ":" in host:
        return host
    return f"{host}.{namespace}.svc.{domain}"
