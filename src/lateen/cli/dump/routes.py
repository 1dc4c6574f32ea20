"""The table of routes."""

from typing import Any

from lateen.cli.dump.table import owner

HEADING = ("NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE")
SHORT_HEADING = ("NAME", "VIRTUAL HOSTS")
MOST_DOMAINS = 2
CLUSTER_ENDINGS = (".svc.cluster.local", ".svc")

Resource = dict[str, Any]


def select(routes: list[Resource], *, name: str) -> list[Resource]:
    wanted = (route for route in routes if not name or route.get("name") == name)
    return sorted(wanted, key=_order)


def _order(route: Resource) -> tuple[int, str]:
    name = route.get("name", "")
    return (int(name) if name.isdecimal() else 1 << 17, name)


def rows(routes: list[Resource]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for config in routes:
        name = config.get("name", "")
        for host in config.get("virtual_hosts", []):
            head = (name, host.get("name", ""), describe_domains(host.get("domains", [])))
            if not host.get("routes"):
                found.append((*head, "/*", "404"))
            found += [
                (*head, describe_match(route.get("match", {})), owner(route))
                for route in host.get("routes", [])
            ]
    return found


def short_rows(routes: list[Resource]) -> list[tuple[str, ...]]:
    return [(x.get("name", ""), str(len(x.get("virtual_hosts", [])))) for x in routes]


def describe_match(match: Resource) -> str:
    if prefix := match.get("prefix"):
        return f"{prefix}*"
    if path := match.get("path"):
        return str(path)
    if separated := match.get("path_separated_prefix"):
        return f"PathPrefix:{separated}"
    if expression := match.get("safe_regex"):
        return f"regex {expression.get('regex', '')}"
    return ""


def describe_domains(domains: list[str]) -> str:
    """The first two, without longer forms of the same name and those that differ by a port."""
    shown = list(dict.fromkeys(_without_port(domain) for domain in domains))
    known = set(shown)
    shown = [domain for domain in shown if not any(short in known for short in _shorter(domain))]
    text = ", ".join(shown[:MOST_DOMAINS])
    rest = len(shown) - MOST_DOMAINS
    return f"{text} + {rest} more..." if rest > 0 else text


def _shorter(domain: str) -> list[str]:
    """`a.b.svc.cluster.local.` is also `a.b.svc.cluster.local`, `a.b.svc` is also `a.b`."""
    found = [domain.removesuffix(ending) for ending in (".", *CLUSTER_ENDINGS)]
    return [short for short in found if short != domain]


def _without_port(domain: str) -> str:
    host, separator, port = domain.rpartition(":")
    is_address = ":" in host and not host.endswith("]")
    return host if separator and port.isdecimal() and not is_address else domain
