"""The table of endpoints: from a running proxy with its own verdict on each, else as configured."""

from collections.abc import Iterator
from typing import Any, NamedTuple

HEADING = ("ENDPOINT", "STATUS", "OUTLIER CHECK", "CLUSTER")
UNKNOWN = "UNKNOWN"
HEALTHY = "HEALTHY"

Resource = dict[str, Any]


class Endpoint(NamedTuple):
    address: str
    port: int
    status: str
    outlier: str
    cluster: str

    @property
    def place(self) -> str:
        return f"{self.address}:{self.port}" if self.port else self.address


def of_statuses(statuses: list[Resource]) -> Iterator[Endpoint]:
    """From /clusters?format=json."""
    for cluster in statuses:
        for host in cluster.get("host_statuses", []):
            health = host.get("health_status", {})
            address, port = _place(host.get("address", {}))
            yield Endpoint(
                address,
                port,
                health.get("eds_health_status", HEALTHY),
                "FAILED" if health.get("failed_outlier_check") else "OK",
                cluster.get("name", ""),
            )


def of_assignments(assignments: list[Resource], clusters: list[Resource]) -> Iterator[Endpoint]:
    """From a dump: what was configured. Clusters may hold their endpoints themselves."""
    inside = (cluster["load_assignment"] for cluster in clusters if "load_assignment" in cluster)
    seen = {entry.get("cluster_name") for entry in assignments}
    for entry in (*assignments, *(x for x in inside if x.get("cluster_name") not in seen)):
        for locality in entry.get("endpoints", []):
            for endpoint in locality.get("lb_endpoints", []):
                address, port = _place(endpoint.get("endpoint", {}).get("address", {}))
                status = endpoint.get("health_status", UNKNOWN)
                yield Endpoint(
                    address,
                    port,
                    HEALTHY if status == UNKNOWN else status,
                    "-",
                    entry.get("cluster_name", ""),
                )


def select(
    endpoints: Iterator[Endpoint], *, address: str, port: int, cluster: str, status: str
) -> list[Endpoint]:
    return sorted(
        endpoint
        for endpoint in endpoints
        if (not address or endpoint.address.lower() == address.lower())
        and (not port or endpoint.port == port)
        and (not cluster or endpoint.cluster == cluster)
        and (not status or endpoint.status.lower() == status.lower())
    )


def rows(endpoints: list[Endpoint]) -> list[tuple[str, ...]]:
    return [(x.place, x.status, x.outlier, x.cluster) for x in endpoints]


def documents(endpoints: list[Endpoint]) -> list[Resource]:
    return [
        {
            "address": x.address,
            "port": x.port,
            "status": x.status,
            "outlier_check": x.outlier,
            "cluster": x.cluster,
        }
        for x in endpoints
    ]


def _place(address: Resource) -> tuple[str, int]:
    if "pipe" in address:
        return f"unix://{address['pipe'].get('path', '')}", 0
    if "envoy_internal_address" in address:
        name = address["envoy_internal_address"].get("server_listener_name", "")
        return f"envoy://{name}", 0
    socket = address.get("socket_address", {})
    return socket.get("address", ""), int(socket.get("port_value", 0))
