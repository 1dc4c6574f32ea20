"""The table of clusters."""

from typing import Any

from lateen.cli.dump.table import owner

HEADING = ("SERVICE FQDN", "PORT", "SUBSET", "DIRECTION", "TYPE", "DESTINATION RULE")
SERVER_NAME_PREFIX = "outbound_."


def select(
    clusters: list[dict[str, Any]], *, fqdn: str, port: int, direction: str, subset: str
) -> list[dict[str, Any]]:
    def is_wanted(cluster: dict[str, Any]) -> bool:
        way, number, part, host = parts(cluster.get("name", ""))
        return (
            fqdn in host
            and (not port or number == str(port))
            and direction in way
            and (not subset or part == subset)
        )

    return sorted(filter(is_wanted, clusters), key=_order)


def rows(clusters: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for cluster in clusters:
        direction, port, subset, host = parts(cluster.get("name", ""))
        found.append(
            (host, port or "-", subset or "-", direction or "-", kind(cluster), owner(cluster))
        )
    return found


def parts(name: str) -> tuple[str, str, str, str]:
    """Direction, port, subset and host; names of other clusters are all host."""
    found = name.split("_." if name.startswith(SERVER_NAME_PREFIX) else "|")
    if len(found) != 4:
        return ("", "", "", name)
    return (found[0], found[1], found[2], found[3])


def kind(cluster: dict[str, Any]) -> str:
    custom = cluster.get("cluster_type", {}).get("name")
    return str(custom or cluster.get("type", "STATIC"))


def _order(cluster: dict[str, Any]) -> tuple[str, int, str, str]:
    direction, port, subset, host = parts(cluster.get("name", ""))
    return (host, int(port) if port.isdecimal() else 0, subset, direction)
